"""CPU time of hiding a background with MediaPipe and OpenCV, as `subrosa bench blur` compares it. One JSON object a line.

Arguments: a photograph, frames of each variant. OpenCV runs on one thread; process time counts MediaPipe's own threads too."""

import json
import sys
import time

import cv2
import mediapipe
import numpy

cv2.setNumThreads(1)
photograph, count = cv2.imread(sys.argv[1]), int(sys.argv[2])
selfie = mediapipe.solutions.selfie_segmentation.SelfieSegmentation(model_selection=1)


def usual(frame, mask, background):
    """As tutorials do it."""
    return numpy.where(mask[..., None] > 0.5, frame, background)


def linear(frame, mask, background):
    """Soft edges, by OpenCV's own function."""
    return cv2.blendLinear(frame, background, mask, 1 - mask)


def gaussian(frame):
    """The blur that tutorials use."""
    return cv2.GaussianBlur(frame, (55, 55), 0)


def small(frame):
    """The cheapest that looks alike: an eighth of the size, and back."""
    height, width = frame.shape[:2]
    less = cv2.resize(frame, (width // 8, height // 8), interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(less, (0, 0), 2.9), (width, height), interpolation=cv2.INTER_LINEAR)


VARIANTS = {
    "GaussianBlur(55), numpy": (gaussian, usual),
    "GaussianBlur(55), blendLinear": (gaussian, linear),
    "blur at an eighth, blendLinear": (small, linear),
}

for height, width in [(720, 1280), (1080, 1920)]:
    picture = cv2.resize(photograph, (width, height))
    planes = cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420)
    for name, (blur, mix) in VARIANTS.items():
        times = []
        for turn in range(count + 5):
            start = time.process_time()
            frame = cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)
            mask = selfie.process(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB)).segmentation_mask
            out = mix(frame, mask, blur(frame))
            cv2.cvtColor(out, cv2.COLOR_BGR2YUV_I420)
            if turn >= 5:
                times.append((time.process_time() - start) * 1000)
        print(json.dumps({"lines": height, "name": name, "ms": times}), flush=True)
