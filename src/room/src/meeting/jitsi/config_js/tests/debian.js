/* A file in the shape of Debian's package, written for these tests. */
var config = {
    // Where the server is.
    hosts: {
        domain: 'meet.example.org',
        anonymousdomain: 'guest.meet.example.org',
        // focus: 'elsewhere.example.org',
        muc: 'conference.' + 'meet.example.org',
    },

    bosh: '//meet.example.org/http-bind',
    "websocket": 'wss://meet.example.org/xmpp-websocket', // preferred

    testing: { p2pTestMode: false, list: [ 1, -2, 'three', ], probability: .5 },
    e2eping: { enabled: !1 },
    desktopSharingFrameRate: { min: 5, max: 5 },
    apply: function (room) {
        return room ? { domain: "wrong.example.org" } : null;
    },
    p2p: {
        enabled: true,
        stunServers: [
            { urls: 'stun:stun.example.org:3478' }
        ]
    },
    text: 'it\'s {not} an "object" // nor a comment',
    legalUrls: { privacy: 'https://example.org/privacy' },
    makeJsonParserHappy: 'even if last key had a trailing comma'
};
/* eslint-enable */
