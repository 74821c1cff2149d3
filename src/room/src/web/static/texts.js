/**
 * All words of the pages, in German and English. A key that one language lacks does not pass the type check.
 *
 * @module
 */

import { english as meetingEnglish, german as meetingGerman } from './texts-meeting.js';

const german = {
  ...meetingGerman,

  // The door
  'other-language': 'English',
  invited: 'Sie sind zu einem Gespräch mit diesem Raum eingeladen.',
  'room-unknown': 'Besprechungsraum',
  name: 'Ihr Name',
  'name-hint': 'So werden Sie im Raum angezeigt.',
  pin: 'PIN',
  'pin-hint': 'Steht auf dem Bildschirm im Raum.',
  'token-hint': 'Ihr Link gilt für dieses Gespräch; eine PIN brauchen Sie nicht.',
  join: 'Beitreten',
  joining: 'Klopft an …',
  'join-hint': 'Danach fragt Ihr Browser nach Kamera und Mikrofon. Es geht auch ohne.',
  notice: 'Alles zum Datenschutz',
  'notice-missing': 'Der Raum antwortet gerade nicht; ohne den Datenschutzhinweis geht es nicht weiter.',
  'status-link': 'Zustand dieses Geräts',

  // Refusals
  'name-empty': 'Bitte geben Sie einen Namen an.',
  'pin-empty': 'Bitte geben Sie die PIN ein, die auf dem Bildschirm im Raum steht.',
  'refused-asleep': 'Der Raum schläft. Jemand dort muss den Knopf am Gerät drücken; versuchen Sie es dann noch einmal.',
  'refused-pin': 'Diese PIN stimmt nicht. Nächster Versuch in {seconds} s.',
  'refused-token': 'Dieser Link gehört zu einem anderen Gespräch. Geben Sie die PIN vom Bildschirm im Raum ein.',
  'refused-early': 'Zu viele Versuche. Nächster Versuch in {seconds} s.',
  'refused-name': 'Dieser Name geht nicht: bitte höchstens 64 Zeichen, ohne Steuerzeichen.',
  'refused-full': 'Der Raum hat schon so viele Gäste, wie er aufnehmen kann.',
  'refused-locked': 'Das Gespräch ist abgeschlossen: gerade wird niemand mehr eingelassen.',
  'refused-gone': 'Der Raum hat abgelehnt oder das Gespräch ist zu Ende.',
  'refused-unanswered': 'Der Raum antwortet nicht. Versuchen Sie es noch einmal.',
  'try-again': 'Sie können es jetzt noch einmal versuchen.',

  // Waiting
  'waiting-title': 'Sie haben angeklopft',
  'waiting-text': 'Der Raum sieht Ihren Namen. Jemand dort lässt Sie ein.',
  'give-up': 'Doch nicht beitreten',

  // The guest's own camera and microphone
  'own-both': 'Ihre Kamera und Ihr Mikrofon sind an.',
  'own-microphone': 'Ihr Mikrofon ist an, Ihre Kamera ist aus.',
  'own-camera': 'Ihre Kamera ist an, Ihr Mikrofon ist aus.',
  'own-neither': 'Ihre Kamera und Ihr Mikrofon sind aus.',
  'own-camera-off': 'Kamera aus',
  'capture-asking': 'Ihr Browser fragt nach Kamera und Mikrofon.',
  'capture-refused': 'Ihr Browser gibt {what} nicht frei. Sie nehmen ohne teil und können es später erlauben.',
  'capture-missing': 'Es wurde {what} gefunden. Sie nehmen ohne teil.',
  'capture-busy': '{what} lässt sich nicht öffnen; vielleicht benutzt ein anderes Programm das Gerät.',
  'what-camera': 'die Kamera',
  'what-microphone': 'das Mikrofon',
  'what-both': 'Kamera und Mikrofon',
  'no-camera': 'keine Kamera',
  'no-microphone': 'kein Mikrofon',
  'no-both': 'weder Kamera noch Mikrofon',

  // The call
  'call-title': 'Im Gespräch mit {room}',
  facts: 'Was im Raum gilt',
  controls: 'Steuerung',
  'room-camera-live': 'Raumkamera an',
  'room-camera-closed': 'Raumkamera geschlossen',
  'room-microphone-live': 'Raummikrofon an',
  'room-microphone-closed': 'Raummikrofon geschlossen',
  'recording-never': 'Keine Aufzeichnung',
  'recording-now': 'Aufzeichnung läuft',
  connecting: 'Die Verbindung wird aufgebaut …',
  'picture-paused': 'Bild angehalten: Ihre Verbindung ist gerade zu langsam. Der Ton geht weiter.',
  on: 'an',
  off: 'aus',
  devices: 'Geräte',
  leave: 'Gehen',
  listen: 'Ton einschalten',
  'room-video': 'Bild aus dem Raum',

  // Encryption
  'encryption-none': 'Noch nicht verbunden',
  'encryption-none-text': 'Sobald Bild und Ton fließen, steht hier, wie sie verschlüsselt sind.',
  'encryption-end-to-end': 'Ende-zu-Ende verschlüsselt',
  'encryption-end-to-end-text':
    'Bild und Ton gehen verschlüsselt von Ihrem Browser zum Gerät im Raum und zurück. Dazwischen kann niemand mithören. Ihr Browser hat das Zertifikat dieses Geräts geprüft.',
  'encryption-device-not-checked': 'Verschlüsselt, Gerät nicht geprüft',
  'encryption-device-not-checked-text':
    'Bild und Ton gehen verschlüsselt von Ihrem Browser zu einem Gerät und zurück. Dass es wirklich das Gerät im Raum ist, konnte Ihr Browser nicht prüfen. Sicher sind Sie, wenn Ihr Browser denselben Fingerabdruck zeigt wie der Bildschirm im Raum.',
  fingerprint: 'Fingerabdruck des Zertifikats (SHA-256)',
  'fingerprint-hint':
    'So nennt ihn das Gerät. Vergleichen Sie, was Ihr Browser zum Zertifikat dieser Seite zeigt, mit dem Bildschirm im Raum.',
  'fingerprint-missing': 'Der Raum antwortet gerade nicht.',

  // Lost and found
  reconnecting: 'Die Verbindung wird neu aufgebaut …',
  lost: 'Der Raum antwortet nicht. Diese Seite versucht es weiter.',
  back: 'Die Verbindung steht wieder.',

  // Devices
  microphone: 'Mikrofon',
  camera: 'Kamera',
  speaker: 'Lautsprecher',
  done: 'Fertig',
  'device-default': 'Standard des Systems',
  'device-none': 'Keines vorhanden',
  'device-unnamed': 'Gerät {number}',
  'device-gone': 'Ein Gerät wurde entfernt.',
  'device-new': 'Ein Gerät wurde angeschlossen.',
  'device-failed': 'Dieses Gerät lässt sich nicht öffnen.',

  // The end
  'ended-denied': 'Der Raum hat abgelehnt',
  'ended-denied-text': 'Jemand dort möchte das Gespräch jetzt nicht führen.',
  'ended-removed': 'Sie sind nicht mehr dabei',
  'ended-removed-text': 'Die Moderation hat Sie aus dem Gespräch genommen. Bild, Ton und Name sind auf dem Gerät gelöscht.',
  'ended-meeting-ended': 'Das Gespräch ist zu Ende',
  'ended-meeting-ended-text': 'Der Raum hat es beendet. Name, Bild und Ton sind auf dem Gerät gelöscht.',
  'ended-left': 'Sie sind gegangen',
  'ended-left-text': 'Ihre Kamera und Ihr Mikrofon sind aus, Ihr Name ist auf dem Gerät gelöscht.',
  'ended-elsewhere': 'Sie sind in einem anderen Fenster dabei',
  'ended-elsewhere-text': 'Dieses Fenster können Sie schließen.',
  'ended-lost': 'Die Verbindung kam nicht zustande',
  'ended-lost-text':
    'Ein Router oder eine Firewall lässt Bild und Ton nicht durch, oder das Netz ist ausgefallen. Sie können es noch einmal versuchen.',
  'ended-gone': 'Dieses Gespräch gibt es nicht mehr',
  'ended-gone-text': 'Der Raum hat es beendet oder ist neu gestartet.',
  'ended-unsupported': 'Dieser Browser kann keine Anrufe',
  'ended-unsupported-text': 'Öffnen Sie den Link in einer neueren Fassung von Firefox, Chrome, Edge oder Safari.',
  again: 'Noch einmal anklopfen',

  // The remote
  'remote-title': 'Fernbedienung',
  'remote-pair': 'Telefon koppeln',
  'remote-pair-text': 'Drücken Sie den Knopf am Gerät im Raum. Der Code steht dann eine Minute lang auf dem Bildschirm.',
  'remote-code': 'Code',
  'remote-code-hint': 'Sechs Ziffern vom Bildschirm im Raum. Wer ihn scannt, muss nichts eingeben.',
  'remote-pair-button': 'Koppeln',
  'remote-refused-no-code':
    'Auf dem Bildschirm steht gerade kein Code. Drücken Sie den Knopf am Gerät und versuchen Sie es noch einmal.',
  'remote-refused-wrong': 'Dieser Code stimmt nicht.',
  'remote-refused-wait': 'Dieser Code stimmt nicht. Nächster Versuch in {seconds} s.',
  'remote-free': 'Link zu einer Konferenz',
  'remote-free-text': 'Der Raum zeigt ihn an. Beitreten kann nur, wer dort den Knopf drückt.',
  'remote-link': 'Link aus der Einladung',
  'remote-link-hint': 'Bisher: Räume von Jitsi Meet.',
  'remote-propose': 'Vorschlagen',
  'remote-guests': 'Im Raum sind Gäste',
  'remote-guests-text': 'Solange jemand in der Besprechung ist oder wartet, nimmt der Raum keinen Link an.',
  'remote-proposed': 'Steht auf dem Bildschirm',
  'remote-proposed-text':
    'Drücken Sie den Knopf am Gerät, um beizutreten. Vorher wird niemand kontaktiert. Der Datenschutzhinweis steht auf dem Bildschirm.',
  'remote-run-by': 'Betrieben von {operator}',
  'remote-not-on-record': 'Wer diesen Server betreibt, ist nicht hinterlegt.',
  'remote-withdraw': 'Zurücknehmen',
  'remote-joining': 'Auf dem Weg in die Konferenz',
  'remote-joining-text': 'Der Raum nimmt Verbindung auf.',
  'remote-give-up': 'Doch nicht beitreten',
  'remote-password': 'Passwort der Konferenz',
  'remote-password-text': 'Die Konferenz hat ein Passwort.',
  'remote-password-button': 'Absenden',
  'remote-in': 'In der Konferenz',
  'remote-in-text': 'Der Server sieht und hört mit. Kamera und Mikrofon öffnen kann nur, wer im Raum ist.',
  'remote-leave': 'Konferenz verlassen',
  'remote-over': 'Nicht in der Konferenz',
  'remote-over-text': 'Der Raum schläft gleich.',
  'remote-phones': '{phones} Telefone sind gekoppelt.',
  'remote-ended': 'Nicht mehr gekoppelt',
  'remote-ended-text': 'Der Raum schläft. Ein Druck auf den Knopf am Gerät bringt einen neuen Code.',
  'remote-again': 'Neu koppeln',

  // The status page
  'status-title': 'Zustand dieses Geräts',
  'status-room': 'Zur Seite für Gäste',
  'status-lamps': 'Was die Lampen zeigen',
  'status-trust': 'Was ihr Wort wert ist',
  'status-contacts': 'Wohin das Gerät Kontakt aufnimmt',
  'status-contacts-none': 'Zu keinem anderen Rechner.',
  'status-certificate': 'Zertifikat dieser Seite',
  'status-versions': 'Fassungen',
  'status-version': 'Subrosa {version}, Gerät „{board}“',
  'status-encoder': 'Encoder: {encoder}',
  'status-encoder-none': 'Noch kein Encoder geprüft.',
  'status-background': 'Was hinter den Menschen zu sehen ist',
  'status-background-unknown': 'Noch nichts bekannt: Bild und Ton starten gerade.',
  'status-background-as-it-is': 'Alles: das Verbergen ist in der Konfiguration ausgeschaltet.',
  'status-background-hidden': 'Nichts: es wird auf dem Gerät verborgen, in jedem Bild.',
  'status-background-revealed': 'Alles: jemand im Raum hat es für eine Minute aufgedeckt.',
  'status-background-starting': 'Nichts: gesendet wird erst, wenn das Gerät weiß, wo Menschen sind.',
  'status-background-late':
    'Nichts: die Suche nach Menschen ist zu langsam oder steht. Gäste sehen eine Karte, bis sie wieder arbeitet.',
  'status-background-doubtful':
    'Nichts: was die Suche nach Menschen findet, kann nicht stimmen. Gäste sehen eine Karte, bis es wieder stimmt.',
  'status-background-failed': 'Nichts: die Suche nach Menschen ist gestört. Gäste sehen eine Karte.',
  'status-background-model-missing': 'Nichts: das Modell zum Verbergen fehlt. Gäste sehen eine Karte statt der Kamera.',
  'status-background-model-damaged':
    'Nichts: das Modell zum Verbergen ist beschädigt. Gäste sehen eine Karte statt der Kamera.',
  'status-guests': 'Gäste im Gespräch: {guests}',
  'status-media': 'Bild und Ton sind bereit.',
  'status-media-missing': 'Bild und Ton starten gerade.',
  'status-asleep': 'Der Raum schläft. Kamera und Mikrofon können nicht geöffnet werden.',
  'status-awake': 'Der Raum ist wach.',
  'status-guard-missing': 'Der Wächter antwortet nicht: die Lampen gelten als an, Kamera und Mikrofon sind zu.',
  'status-authority': 'Geräteautorität herunterladen',
  'status-authority-hint':
    'Wer sie installiert, dessen Browser prüft dieses Gerät; sie gilt nur für die Namen und Adressen dieses Geräts.',
  'status-capture': '{capture}: {lamp}, {node}',
  'capture-camera': 'Kamera',
  'capture-microphone': 'Mikrofon',
  'lamp-lit': 'Lampe an',
  'lamp-dark': 'Lampe aus',
  'lamp-unknown': 'Lampe nicht lesbar, gilt als an',
  'node-missing': 'kein Gerät vorhanden',
  'node-closed': 'nachweislich geschlossen',
  'node-open': 'offen',
  'node-closing': 'wird geschlossen',
  'node-foreign': 'von einem anderen Programm geöffnet',
  'node-unknown': 'nicht nachweisbar, gilt als offen',
  'power-cut': 'Der Strom ist abgeschaltet, weil etwas das Gerät offen hielt. Ein Druck auf die Taste im Raum schaltet ihn ein.',
  'shutter-open': 'Blende offen',
  'shutter-closed': 'Blende zu',
  'shutter-unknown': 'Blende nicht lesbar',
  'switch-open': 'Schalter offen',
  'switch-closed': 'Schalter zu',
  'switch-unknown': 'Schalter nicht lesbar',
  'trust-simulated-one-user':
    'Simulierter Raum, alle Programme unter einem Benutzer: zum Ausprobieren. Ein Programm könnte sich die Erlaubnis zum Öffnen selbst geben.',
  'trust-simulated-users':
    'Simulierter Raum, jedes Programm mit eigenem Benutzer: die Erlaubnis zum Öffnen ist so wirksam wie auf einem Gerät, Schalter und Lampen sind simuliert.',
  'trust-capture': '{capture}: {lamp}; {switch}.',
  'lamp-tier-0': 'Lampe Stufe 0, sie gehört dem angeschlossenen Gerät und ist nicht unsere',
  'lamp-tier-1': 'Lampe Stufe 1, ein eigenes Programm ohne Netz schaltet sie und besitzt das Gerät',
  'lamp-tier-2': 'Lampe Stufe 2, der Kernel schaltet sie mit dem Sensor',
  'lamp-tier-3': 'Lampe Stufe 3, sie liegt im Stromweg des Sensors; Software kann sie nicht umgehen',
  'switch-tier-0': 'Schalter Stufe 0, eine Taste des angeschlossenen Geräts, das seinen Stand selbst führt',
  'switch-tier-1': 'Schalter Stufe 1, seine Stellung wird gelesen und schließt das Gerät',
  'switch-tier-2': 'Schalter Stufe 2, was sich trotzdem nicht schließt, verliert den Strom',
  'switch-tier-3': 'Schalter Stufe 3, er trennt den Strom selbst; Software kann ihn nicht umgehen',
  measured: 'Gemessen am {date}: vom Schalter bis zum geschlossenen Gerät {closed} ms, von der Frage bis zur Lampe {lit} ms.',
  'measured-never': 'Wie schnell Schalter und Lampen dieses Gerätetyps sind, wurde nie gemessen.',
};

/** @typedef {keyof typeof german} Key */
/** @typedef {'de' | 'en'} Language */
/** @typedef {Readonly<Record<Key, string>>} Texts */

/** @type {Texts} */
const english = {
  ...meetingEnglish,

  'other-language': 'Deutsch',
  invited: 'You are invited to a meeting with this room.',
  'room-unknown': 'Meeting room',
  name: 'Your name',
  'name-hint': 'This is how you are shown in the room.',
  pin: 'PIN',
  'pin-hint': 'It is on the screen in the room.',
  'token-hint': 'Your link is for this meeting; you need no PIN.',
  join: 'Join',
  joining: 'Knocking …',
  'join-hint': 'Your browser will then ask for camera and microphone. It works without them too.',
  notice: 'All about privacy',
  'notice-missing': 'The room does not answer just now; nobody enters without the privacy notice.',
  'status-link': 'State of this device',

  'name-empty': 'Please give a name.',
  'pin-empty': 'Please enter the PIN from the screen in the room.',
  'refused-asleep': 'The room is asleep. Somebody there has to press the button on the device; then try again.',
  'refused-pin': 'This is not the PIN. Next try in {seconds} s.',
  'refused-token': 'This link belongs to another meeting. Enter the PIN from the screen in the room.',
  'refused-early': 'Too many tries. Next try in {seconds} s.',
  'refused-name': 'This name cannot be used: 64 characters at most, please, and no control characters.',
  'refused-full': 'The room already has as many guests as it can take.',
  'refused-locked': 'The meeting is locked: nobody is let in just now.',
  'refused-gone': 'The room has said no, or the meeting is over.',
  'refused-unanswered': 'The room does not answer. Try again.',
  'try-again': 'You can try again now.',

  'waiting-title': 'You have knocked',
  'waiting-text': 'The room sees your name. Somebody there will let you in.',
  'give-up': 'Do not join',

  'own-both': 'Your camera and your microphone are on.',
  'own-microphone': 'Your microphone is on, your camera is off.',
  'own-camera': 'Your camera is on, your microphone is off.',
  'own-neither': 'Your camera and your microphone are off.',
  'own-camera-off': 'Camera off',
  'capture-asking': 'Your browser is asking for camera and microphone.',
  'capture-refused': 'Your browser does not allow {what}. You take part without, and can allow it later.',
  'capture-missing': 'There is {what}. You take part without.',
  'capture-busy': 'Your browser cannot open {what}; perhaps another program is using it.',
  'what-camera': 'the camera',
  'what-microphone': 'the microphone',
  'what-both': 'camera and microphone',
  'no-camera': 'no camera',
  'no-microphone': 'no microphone',
  'no-both': 'neither camera nor microphone',

  'call-title': 'In a meeting with {room}',
  facts: 'What is true in the room',
  controls: 'Controls',
  'room-camera-live': 'Room camera live',
  'room-camera-closed': 'Room camera closed',
  'room-microphone-live': 'Room microphone live',
  'room-microphone-closed': 'Room microphone closed',
  'recording-never': 'No recording',
  'recording-now': 'Recording',
  connecting: 'Connecting …',
  'picture-paused': 'Picture paused: your connection is too slow just now. The sound goes on.',
  on: 'on',
  off: 'off',
  devices: 'Devices',
  leave: 'Leave',
  listen: 'Turn on sound',
  'room-video': 'Picture from the room',

  'encryption-none': 'Not connected yet',
  'encryption-none-text': 'Once picture and sound flow, this says how they are encrypted.',
  'encryption-end-to-end': 'End-to-end encrypted',
  'encryption-end-to-end-text':
    'Picture and sound go encrypted from your browser to the device in the room and back. Nobody in between can listen in. Your browser has checked the certificate of this device.',
  'encryption-device-not-checked': 'Encrypted, device not checked',
  'encryption-device-not-checked-text':
    'Picture and sound go encrypted from your browser to a device and back. Your browser could not check that it is really the device in the room. You are safe if your browser shows the same fingerprint as the screen in the room.',
  fingerprint: 'Fingerprint of the certificate (SHA-256)',
  'fingerprint-hint':
    'This is what the device says. Compare what your browser shows about the certificate of this page with the screen in the room.',
  'fingerprint-missing': 'The room does not answer just now.',

  reconnecting: 'Connecting again …',
  lost: 'The room does not answer. This page keeps trying.',
  back: 'Connected again.',

  microphone: 'Microphone',
  camera: 'Camera',
  speaker: 'Speaker',
  done: 'Done',
  'device-default': 'Default of the system',
  'device-none': 'There is none',
  'device-unnamed': 'Device {number}',
  'device-gone': 'A device was removed.',
  'device-new': 'A device was connected.',
  'device-failed': 'This device cannot be opened.',

  'ended-denied': 'The room has said no',
  'ended-denied-text': 'Somebody there does not want to hold this meeting now.',
  'ended-removed': 'You are not in the meeting any more',
  'ended-removed-text': 'A moderator has removed you. Picture, sound and name are wiped from the device.',
  'ended-meeting-ended': 'The meeting is over',
  'ended-meeting-ended-text': 'The room has ended it. Name, picture and sound are wiped from the device.',
  'ended-left': 'You have left',
  'ended-left-text': 'Your camera and your microphone are off, your name is wiped from the device.',
  'ended-elsewhere': 'You are in this meeting in another window',
  'ended-elsewhere-text': 'You can close this window.',
  'ended-lost': 'No connection came about',
  'ended-lost-text':
    'A router or a firewall does not let picture and sound through, or the network is down. You can try again.',
  'ended-gone': 'This meeting is no more',
  'ended-gone-text': 'The room has ended it, or has restarted.',
  'ended-unsupported': 'This browser cannot make calls',
  'ended-unsupported-text': 'Open the link in a newer version of Firefox, Chrome, Edge or Safari.',
  again: 'Knock again',

  'remote-title': 'Remote',
  'remote-pair': 'Pair this phone',
  'remote-pair-text': 'Press the button on the device in the room. The code is then on its screen for a minute.',
  'remote-code': 'Code',
  'remote-code-hint': 'Six digits from the screen in the room. Whoever scans it has nothing to type.',
  'remote-pair-button': 'Pair',
  'remote-refused-no-code': 'No code is on the screen now. Press the button on the device and try again.',
  'remote-refused-wrong': 'This is not the code.',
  'remote-refused-wait': 'This is not the code. Next try in {seconds} s.',
  'remote-free': 'Link to a meeting',
  'remote-free-text': 'The room shows it. Only somebody who presses the button there can join.',
  'remote-link': 'Link of the invitation',
  'remote-link-hint': 'So far: rooms of Jitsi Meet.',
  'remote-propose': 'Propose',
  'remote-guests': 'The room has guests',
  'remote-guests-text': 'While somebody is in its meeting or waits, the room takes no link.',
  'remote-proposed': 'On the screen',
  'remote-proposed-text':
    'Press the button on the device to join. Nobody is contacted before. The privacy notice is on the screen.',
  'remote-run-by': 'Run by {operator}',
  'remote-not-on-record': 'Who runs this server is not on record.',
  'remote-withdraw': 'Withdraw',
  'remote-joining': 'On the way into the meeting',
  'remote-joining-text': 'The room is connecting.',
  'remote-give-up': 'Do not join after all',
  'remote-password': 'Password of the meeting',
  'remote-password-text': 'The meeting has a password.',
  'remote-password-button': 'Send',
  'remote-in': 'In the meeting',
  'remote-in-text': 'The server sees and hears. Only somebody in the room can open camera and microphone.',
  'remote-leave': 'Leave the meeting',
  'remote-over': 'Not in the meeting',
  'remote-over-text': 'The room is about to sleep.',
  'remote-phones': '{phones} phones are paired.',
  'remote-ended': 'Not paired any more',
  'remote-ended-text': 'The room is asleep. A press of the button on the device brings a new code.',
  'remote-again': 'Pair again',

  'status-title': 'State of this device',
  'status-room': 'To the page for guests',
  'status-lamps': 'What the lamps show',
  'status-trust': 'What their word is worth',
  'status-contacts': 'Whom the device contacts',
  'status-contacts-none': 'No other host.',
  'status-certificate': 'Certificate of this page',
  'status-versions': 'Versions',
  'status-version': 'Subrosa {version}, device “{board}”',
  'status-encoder': 'Encoder: {encoder}',
  'status-encoder-none': 'No encoder tried yet.',
  'status-background': 'What can be seen behind people',
  'status-background-unknown': 'Nothing is known yet: picture and sound are starting.',
  'status-background-as-it-is': 'Everything: hiding it is switched off in the configuration.',
  'status-background-hidden': 'Nothing: it is hidden on the device, in every frame.',
  'status-background-revealed': 'Everything: somebody in the room has uncovered it for a minute.',
  'status-background-starting': 'Nothing: no frame is sent until the device knows where people are.',
  'status-background-late':
    'Nothing: the search for people is too slow or stuck. Guests see a card until it works again.',
  'status-background-doubtful':
    'Nothing: what the search for people finds cannot be right. Guests see a card until it is again.',
  'status-background-failed': 'Nothing: the search for people fails. Guests see a card.',
  'status-background-model-missing': 'Nothing: the model for hiding is missing. Guests see a card instead of the camera.',
  'status-background-model-damaged': 'Nothing: the model for hiding is damaged. Guests see a card instead of the camera.',
  'status-guests': 'Guests in the meeting: {guests}',
  'status-media': 'Picture and sound are ready.',
  'status-media-missing': 'Picture and sound are starting.',
  'status-asleep': 'The room is asleep. Camera and microphone cannot be opened.',
  'status-awake': 'The room is awake.',
  'status-guard-missing': 'The guard does not answer: the lamps count as lit, camera and microphone are closed.',
  'status-authority': 'Download the device’s authority',
  'status-authority-hint':
    'The browser of whoever installs it checks this device; it is good for this device’s names and addresses only.',
  'status-capture': '{capture}: {lamp}, {node}',
  'capture-camera': 'Camera',
  'capture-microphone': 'Microphone',
  'lamp-lit': 'lamp lit',
  'lamp-dark': 'lamp dark',
  'lamp-unknown': 'lamp cannot be read, counts as lit',
  'node-missing': 'no device there',
  'node-closed': 'proved closed',
  'node-open': 'open',
  'node-closing': 'closing',
  'node-foreign': 'opened by another program',
  'node-unknown': 'nothing can be proved, counts as open',
  'power-cut': 'Its power was cut because something kept it open. A press of the button in the room restores it.',
  'shutter-open': 'shutter open',
  'shutter-closed': 'shutter closed',
  'shutter-unknown': 'shutter cannot be read',
  'switch-open': 'switch open',
  'switch-closed': 'switch closed',
  'switch-unknown': 'switch cannot be read',
  'trust-simulated-one-user':
    'Simulated room, all programs under one user: for trying out. A program could give itself the permission to open.',
  'trust-simulated-users':
    'Simulated room, each program with its own user: the permission to open is as real as on a device; switches and lamps are simulated.',
  'trust-capture': '{capture}: {lamp}; {switch}.',
  'lamp-tier-0': 'lamp tier 0, it belongs to the attached device and is not ours',
  'lamp-tier-1': 'lamp tier 1, a program of its own without network drives it and owns the device',
  'lamp-tier-2': 'lamp tier 2, the kernel drives it with the sensor',
  'lamp-tier-3': "lamp tier 3, it is in the sensor's power path; software cannot get around it",
  'switch-tier-0': 'switch tier 0, a key of the attached device, which keeps its own state',
  'switch-tier-1': 'switch tier 1, its position is read and closes the device',
  'switch-tier-2': 'switch tier 2, what does not close all the same loses its power',
  'switch-tier-3': 'switch tier 3, it cuts the power itself; software cannot get around it',
  measured: 'Measured on {date}: {closed} ms from the switch to the closed device, {lit} ms from the question to the lamp.',
  'measured-never': 'How fast switches and lamps of this kind of device are was never measured.',
};

/** @type {Readonly<Record<Language, Texts>>} */
const texts = { de: german, en: english };

/**
 * A text in a language; `{…}` are filled in.
 *
 * @param {Language} language
 * @param {Key} key
 * @param {Readonly<Record<string, string | number>>} [values]
 * @returns {string}
 */
export function text(language, key, values = {}) {
  return texts[language][key].replace(/\{(\w+)\}/g, (hole, /** @type {string} */ name) => String(values[name] ?? hole));
}

/**
 * The first language of a list of tags that is spoken here; English where none is.
 *
 * @param {readonly string[]} tags
 * @returns {Language}
 */
export function spoken(tags) {
  for (const tag of tags) {
    const language = tag.toLowerCase().split('-')[0];
    if (language === 'de' || language === 'en') return language;
  }
  return 'en';
}
