// A file that the web server completes, written for these tests.
var subdomain = '<!--# echo var="subdomain" default="" -->';
var subdir = '<!--# echo var="subdir" default="" -->';
var config = {
    hosts: {
        domain: 'meet.example.org',
        muc: 'conference.' + subdomain + 'meet.example.org'
    },
    websocket: 'wss://' + window.location.host + '/' + subdir + 'xmpp-websocket'
};
