// A file in the shape of the container image, written for these tests.
var config = {};
config.hosts = {};
config.hosts.domain = 'meet.internal';

var subdir = '<!--# echo var="subdir" default="" -->';
var subdomain = '<!--# echo var="subdomain" default="" -->';
if (subdomain) {
    subdomain = subdomain.substr(0, subdomain.length - 1).split('.').join('_')
        .toLowerCase() + '.';
}
config.hosts.muc = 'muc.' + subdomain + 'meet.internal';
config.bosh = 'https://meet.example.org:8443/' + subdir + 'http-bind'
config.websocket = 'wss://meet.example.org:8443/' + subdir + 'xmpp-websocket';
config.websocketKeepAliveUrl = 'https://meet.example.org:8443/' + subdir + '_unlock';
config.conferenceRequestUrl = 'https://meet.example.org:8443/' + subdir + 'conference-request/v1';

if (!config.hasOwnProperty('flags')) config.flags = {};
config.flags.ssrcRewritingEnabled = true;
config.bridgeChannel = { preferSctp: false };
config.e2ee = { externallyManagedKey: true };
config.tokenAuthUrl = 'https://login.example.org/{room}';
config.deploymentInfo = {};
config.deploymentInfo.userRegion = '';
