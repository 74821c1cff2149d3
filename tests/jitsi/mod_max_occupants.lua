-- A double of Jitsi's limit of occupants (recording 08b): beside the focus, `most` of them get into a room.
local st = require "util.stanza";
local most = module:get_option_number("most", 100);

module:hook("muc-occupant-pre-join", function (event)
	local inside = 0;
	for nick in event.room:each_occupant() do
		if not nick:match("/focus$") then inside = inside + 1; end
	end
	if event.occupant.nick:match("/focus$") or inside < most then return; end
	local reply = st.error_reply(event.stanza, "cancel", "service-unavailable");
	event.origin.send(reply);
	return true;
end, 10);
