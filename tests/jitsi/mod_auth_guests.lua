-- A double of Jitsi's login for guests: SASL ANONYMOUS (RFC 4505) whose node is a UUID, and the same node again for whoever
-- names the session that is to be resumed (`previd` in the address of the WebSocket). Recordings 06c and 16.
-- Prosody's own anonymous login makes a new node for each connection, with which nothing can be resumed.
local new_sasl = require "util.sasl".new;
local new_uuid = require "util.uuid".generate;
local parse_query = require "util.http".formdecode;
local split = require "util.jid".split;

local provider = {};
-- Who holds which resumable session; mod_smacks keeps it as node@host/token.
local resumable = module:shared "/*/smacks/resumption-tokens";

local function node_of(previd)
	for name in pairs(resumable) do
		local node, host, token = split(name);
		if host == module.host and token == previd then return node; end
	end
end

local function previd_of(session)
	local request = session.websocket_request;
	local query = request and request.url.query;
	return query and (parse_query(query) or {}).previd;
end

function provider.get_sasl_handler(session)
	local handler = new_sasl(module.host, { anonymous = function () return true; end });
	function handler:process()
		local previd = previd_of(session);
		self.username = previd and node_of(previd) or new_uuid();
		return "success";
	end
	return handler;
end

function provider.test_password() return nil, "guests have no password"; end
function provider.get_password() return nil, "guests have no password"; end
function provider.set_password() return nil, "guests have no password"; end
function provider.create_user() return nil, "guests have no account"; end
function provider.user_exists() return nil, "guests have no account"; end

module:provides("auth", provider);
