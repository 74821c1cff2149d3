-- A double of jicofo's HTTP door (recordings 01, 08c and 16): takes its JSON at /conference-request/v1, asks the focus's double
-- by IQ, and answers with JSON again.
local st = require "util.stanza";
local json = require "util.json";
local new_id = require "util.id".medium;

local target = module:get_option_string("focus_jid");
local focus = "http://jitsi.org/protocol/focus";

local function status(code, text)
	return { status_code = code, body = text };
end

local function requested(event)
	local wanted = json.decode(event.request.body or "");
	if type(wanted) ~= "table" then return status(400, "Bad request"); end
	if not wanted.room then return status(400, "Bad request: XMPPError: bad-request - modify [No 'room' specified.]"); end
	local iq = st.iq({ type = "set", to = target, from = module.host, id = new_id() });
	local bearer = event.request.headers.authorization;
	iq:tag("conference", {
		xmlns = focus, room = wanted.room, ["machine-uid"] = wanted.machineUid,
		token = bearer and bearer:gsub("^Bearer ", "") or nil,
	});
	return module:send_iq(iq, nil, 10):next(function (answered)
		local found = answered.stanza:get_child("conference", focus);
		if not found then return status(400, "Bad request: no conference"); end
		local properties = {};
		for property in found:childtags("property") do properties[property.attr.name] = property.attr.value; end
		return {
			status_code = 200, headers = { content_type = "application/json" },
			body = json.encode({
				room = wanted.room, ready = found.attr.ready == "true", focusJid = found.attr.focusjid, properties = properties,
			}),
		};
	end, function (problem)
		-- The text of an internal error, whatever it was (recording 08c).
		return status(400, "Bad request: " .. tostring(problem.condition));
	end);
end

module:depends("http");
module:provides("http", { name = "conference_request", default_path = "/conference-request/v1", route = { POST = requested } });
