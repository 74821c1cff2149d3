#!/usr/bin/env bash
# What the simulated microphone hears, to standard output: 16-bit little-endian mono at 48 kHz.
set -euo pipefail

wav=$(mktemp --suffix .wav)
trap 'rm -f "$wav"' EXIT

say() { # voice, text
    # By way of a file: in a pipe the length in the header is a guess.
    espeak-ng -v "$1" -s 150 -p 45 -w "$wav" "$2"
    gst-launch-1.0 -q filesrc location="$wav" ! wavparse ! audioconvert ! audioresample quality=8 ! \
        audio/x-raw,format=S16LE,rate=48000,channels=1,layout=interleaved ! fdsink | cat # in a file, fdsink would start at its beginning
}
pause() { # tenths of a second
    head -c $(($1 * 9600)) /dev/zero
}

say en "This is the simulated room of Subrosa. You are hearing its microphone."
pause 6
say de "Das ist der simulierte Raum von Subrosa. Sie hören sein Mikrofon."
pause 8
say en "When somebody mutes it, the device is closed, and nothing that was captured leaves the room."
pause 6
say de "Wer stumm schaltet, schließt das Gerät. Nichts, was aufgenommen wurde, verlässt den Raum."
pause 8
say en "The lamps tell the truth. If nothing is known, they are lit."
pause 6
say de "Die Lampen sagen die Wahrheit. Ist nichts bekannt, leuchten sie."
pause 12
