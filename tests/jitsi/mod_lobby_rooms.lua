-- A double of Jitsi's lobby (recording 04): a room that is for members only has a second room beside it, in which others
-- wait until an owner invites them, sends them away, or switches the lobby off. For the component of the rooms; the lobby's
-- component is named by `lobby`.
local st = require "util.stanza";
local jid = require "util.jid";

local lobby_host = module:get_option_string("lobby");
local jitmeet = "http://jitsi.org/jitmeet";
local members_only = module:require "muc/members_only";
local password = module:require "muc/password";

local function beside(room)
	return jid.join(jid.node(room.jid), lobby_host);
end

local function rooms()
	return prosody.hosts[lobby_host].modules.muc;
end

local function close(room, new_jid, reason)
	local lobby = rooms().get_room_from_jid(beside(room));
	if lobby then lobby:destroy(new_jid, reason); end
end

module:hook("muc-config-submitted/muc#roomconfig_membersonly", function (event)
	if event.value then
		if not rooms().get_room_from_jid(beside(event.room)) then
			rooms().create_room(beside(event.room));
		end
	else
		close(event.room, event.room.jid, "Lobby room closed.");
	end
end, -1);

module:hook("muc-room-destroyed", function (event)
	close(event.room, event.newjid, event.reason);
end);

-- Before mod_muc's own answer, which has no <lobbyroom>. Whoever knows the password need not knock.
module:hook("muc-occupant-pre-join", function (event)
	local room, stanza = event.room, event.stanza;
	if not members_only.get(room) or room:get_affiliation(stanza.attr.from) then return; end
	local muc_x = stanza:get_child("x", "http://jabber.org/protocol/muc");
	local given = muc_x and muc_x:get_child_text("password", "http://jabber.org/protocol/muc");
	if given and given == password.get(room) then
		room:set_affiliation(true, jid.bare(stanza.attr.from), "member");
		event.occupant.role = "participant";
		return;
	end
	local reply = st.error_reply(stanza, "auth", "registration-required");
	reply:tag("lobbyroom", { xmlns = jitmeet }):text(beside(room)):up():up();
	reply:tag("lobbyroom"):text(beside(room)):up();
	reply:get_child("error").attr.code = "407";
	reply:tag("x", { xmlns = "http://jabber.org/protocol/muc" }):up();
	event.origin.send(reply);
	return true;
end, -4);
