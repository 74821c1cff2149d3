-- A double of the component in front of jicofo (recordings 08a and 16): what it is asked goes to the focus as if it had asked
-- itself, and the answer goes back to whoever asked. `who-asks` names that one to the focus's double.
local st = require "util.stanza";
local new_id = require "util.id".medium;

local target = module:get_option_string("focus_jid");
local focus = "http://jitsi.org/protocol/focus";

module:hook("iq/host", function (event)
	local stanza = event.stanza;
	local payload = stanza.tags[1];
	if not payload or payload.attr.xmlns ~= focus or stanza.attr.type ~= "set" then return; end
	local iq = st.iq({ type = stanza.attr.type, to = target, from = module.host, id = new_id() });
	iq:add_child(st.clone(payload)):tag("who-asks"):text(stanza.attr.from);
	module:send_iq(iq, nil, 10):next(function (answered)
		local reply = st.reply(stanza);
		if answered.stanza.tags[1] then reply:add_child(st.clone(answered.stanza.tags[1])); end
		module:send(reply);
	end, function (problem)
		module:send(st.error_reply(stanza, problem));
	end);
	return true;
end, 10);
