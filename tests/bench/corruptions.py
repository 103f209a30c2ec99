"""The fifteen distortions of ImageNet-C (Hendrycks and Dietterich 2019) for pictures of 224 pixels, by
the libraries that its authors' make_imagenet_c.py calls, in the same order and with the same
constants: what Larder's are measured beside. Names and arguments are those of Debian 12's releases.

A function is given a PIL picture, a severity from 0 and where random numbers come from: Free, or
something with the same methods.
"""
import ctypes
import io
import warnings

import cv2
import numpy as np
import skimage.color
import skimage.util
import wand.image
from PIL import Image
from scipy.ndimage import map_coordinates, zoom
from skimage.filters import gaussian
from wand.api import library as wand_library

SIDE = 224
TYPES = ["gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur",
         "zoom_blur", "snow", "frost", "fog", "brightness", "contrast", "elastic_transform",
         "pixelate", "jpeg_compression"]

warnings.simplefilter("ignore")
cv2.setNumThreads(1)
magick = wand_library.MagickMotionBlurImage
magick.argtypes = (ctypes.c_void_p, ctypes.c_double, ctypes.c_double, ctypes.c_double)


class Free:
    """NumPy's own random numbers."""
    normal = staticmethod(np.random.normal)
    poisson = staticmethod(np.random.poisson)
    uniform = staticmethod(np.random.uniform)
    randint = staticmethod(np.random.randint)

    @staticmethod
    def salt_and_pepper(x, amount):
        return skimage.util.random_noise(x, mode="s&p", amount=amount)


def unit(im):
    return np.array(im) / 255.


def bytes_of(x):
    return np.uint8(np.clip(x, 0, 1) * 255)


# ---- noise ----

def gaussian_noise(im, level, random):
    x = unit(im)
    return bytes_of(x + random.normal(size=x.shape, scale=[.08, .12, .18, .26, .38][level]))


def shot_noise(im, level, random):
    photons = [60, 25, 12, 5, 3][level]
    return bytes_of(random.poisson(unit(im) * photons) / photons)


def impulse_noise(im, level, random):
    return bytes_of(random.salt_and_pepper(unit(im), [.03, .06, .09, .17, .27][level]))


# ---- blur ----

def defocus_blur(im, level, random):
    radius, sigma = [(3, .1), (4, .5), (6, .5), (8, .5), (10, .5)][level]
    reach, taps = (8, 3) if radius <= 8 else (radius, 5)
    y, x = np.mgrid[-reach:reach + 1, -reach:reach + 1]
    disk = np.array(x ** 2 + y ** 2 <= radius ** 2, dtype=np.float32)
    disk /= disk.sum()
    disk = cv2.GaussianBlur(disk, ksize=(taps, taps), sigmaX=sigma)
    v = unit(im)
    return bytes_of(np.array([cv2.filter2D(v[:, :, c], -1, disk) for c in range(3)]).transpose(1, 2, 0))


def glass_blur(im, level, random):
    sigma, reach, passes = [(.7, 1, 2), (.9, 2, 1), (1, 2, 3), (1.1, 3, 2), (1.5, 4, 2)][level]
    x = np.uint8(gaussian(unit(im), sigma=sigma, channel_axis=-1) * 255)
    for _ in range(passes):
        for h in range(SIDE - reach, reach, -1):
            for w in range(SIDE - reach, reach, -1):
                right, down = random.randint(-reach, reach, size=(2,))
                # Meant as a swap. Both sides are views.
                x[h, w], x[h + down, w + right] = x[h + down, w + right], x[h, w]
    return bytes_of(gaussian(x / 255., sigma=sigma, channel_axis=-1))


def moved(im, radius, sigma, angle):
    """ImageMagick's motion blur, there and back as PNG."""
    f = io.BytesIO()
    im.save(f, format="PNG")
    with wand.image.Image(blob=f.getvalue()) as m:
        magick(m.wand, radius, sigma, angle)
        return cv2.imdecode(np.frombuffer(m.make_blob(), np.uint8), cv2.IMREAD_UNCHANGED)


def motion_blur(im, level, random):
    radius, sigma = [(10, 3), (15, 5), (15, 8), (15, 12), (20, 15)][level]
    x = moved(im, radius, sigma, random.uniform(-45, 45))
    return np.uint8(np.clip(x[..., ::-1] if x.ndim == 3 else np.stack([x] * 3, 2), 0, 255))


def enlarged(x, factor):
    """The middle of a picture, its size again."""
    part = int(np.ceil(len(x) / factor))
    top = (len(x) - part) // 2
    y = zoom(x[top:top + part, top:top + part], (factor, factor, 1), order=1)
    cut = (len(y) - len(x)) // 2
    return y[cut:cut + len(x), cut:cut + len(x)]


def zoom_blur(im, level, random):
    factors = np.arange(1, *[(1.11, .01), (1.16, .01), (1.21, .02), (1.26, .02), (1.31, .03)][level])
    x = unit(im).astype(np.float32)
    out = np.zeros_like(x)
    for factor in factors:
        out += enlarged(x, factor)
    return bytes_of((x + out) / (len(factors) + 1))


# ---- weather ----

def snow(im, level, random):
    mean, deviation, factor, least, radius, sigma, mix = [
        (.1, .3, 3, .5, 10, 4, .8), (.2, .3, 2, .5, 12, 4, .7), (.55, .3, 4, .9, 12, 8, .7),
        (.55, .3, 4.5, .85, 12, 8, .65), (.55, .3, 2.5, .85, 12, 12, .55)][level]
    x = np.array(im, dtype=np.float32) / 255.
    flakes = enlarged(random.normal(size=x.shape[:2], loc=mean, scale=deviation)[..., None], factor)
    flakes[flakes < least] = 0
    flakes = Image.fromarray((np.clip(flakes[..., 0], 0, 1) * 255).astype(np.uint8), mode="L")
    flakes = moved(flakes, radius, sigma, random.uniform(-135, -45))[..., None] / 255.
    grey = cv2.cvtColor(x, cv2.COLOR_RGB2GRAY)[..., None]
    x = mix * x + (1 - mix) * np.maximum(x, grey * 1.5 + .5)
    return bytes_of(x + flakes + np.rot90(flakes, k=2))


frosts = []  # paths of five pictures


def frost(im, level, random):
    a, b = [(1, .4), (.8, .6), (.7, .7), (.65, .7), (.6, .75)][level]
    ice = cv2.imread(frosts[random.randint(5)])
    top, left = random.randint(0, ice.shape[0] - SIDE), random.randint(0, ice.shape[1] - SIDE)
    return np.uint8(np.clip(a * np.array(im) + b * ice[top:top + SIDE, left:left + SIDE][..., [2, 1, 0]],
                            0, 255))


def heights(decay, random, side=256):
    """Diamonds and squares on a torus."""
    v = np.empty((side, side))
    v[0, 0] = 0
    step, amplitude = side, 100

    def wobbled(total):
        return total / 4 + amplitude * random.uniform(-amplitude, amplitude, total.shape)

    while step >= 2:
        half = step // 2
        corners = v[::step, ::step]
        four = corners + np.roll(corners, -1, axis=0)
        four += np.roll(four, -1, axis=1)
        v[half::step, half::step] = wobbled(four)
        middles = v[half::step, half::step]
        across = (middles + np.roll(middles, 1, axis=0)) + (corners + np.roll(corners, -1, axis=1))
        v[::step, half::step] = wobbled(across)
        down = (middles + np.roll(middles, 1, axis=1)) + (corners + np.roll(corners, -1, axis=0))
        v[half::step, ::step] = wobbled(down)
        step, amplitude = half, amplitude / decay
    v -= v.min()
    return v / v.max()


def fog(im, level, random):
    amount, decay = [(1.5, 2), (2, 2), (2.5, 1.7), (2.5, 1.5), (3, 1.4)][level]
    x = unit(im)
    most = x.max()
    x += amount * heights(decay, random)[:SIDE, :SIDE][..., None]
    return bytes_of(x * most / (most + amount))


# ---- digital ----

def brightness(im, level, random):
    x = skimage.color.rgb2hsv(unit(im))
    x[:, :, 2] = np.clip(x[:, :, 2] + [.1, .2, .3, .4, .5][level], 0, 1)
    return bytes_of(skimage.color.hsv2rgb(x))


def contrast(im, level, random):
    x = unit(im)
    mean = np.mean(x, axis=(0, 1), keepdims=True)
    return bytes_of((x - mean) * [.4, .3, .2, .1, .05][level] + mean)


def elastic_transform(im, level, random):
    alpha, sigma, shift = [(244 * 2, 244 * .7, 244 * .1), (244 * 2, 244 * .08, 244 * .2),
                           (244 * .05, 244 * .01, 244 * .02), (244 * .07, 244 * .01, 244 * .02),
                           (244 * .12, 244 * .01, 244 * .02)][level]
    x = np.array(im, dtype=np.float32) / 255.
    shape, middle, reach = x.shape[:2], SIDE // 2, SIDE // 3
    corners = np.float32([[middle + reach, middle + reach], [middle + reach, middle - reach],
                          [middle - reach, middle - reach]])
    to = corners + random.uniform(-shift, shift, size=corners.shape).astype(np.float32)
    x = cv2.warpAffine(x, cv2.getAffineTransform(corners, to), shape[::-1],
                       borderMode=cv2.BORDER_REFLECT_101)
    right, down = [(gaussian(random.uniform(-1, 1, size=shape), sigma, mode="reflect", truncate=3) *
                    alpha).astype(np.float32)[..., None] for _ in range(2)]
    h, v, c = np.meshgrid(np.arange(shape[1]), np.arange(shape[0]), np.arange(3))
    at = [np.reshape(a, (-1, 1)) for a in (v + down, h + right, c)]
    return bytes_of(map_coordinates(x, at, order=1, mode="reflect").reshape(x.shape))


def pixelate(im, level, random):
    side = int(SIDE * [.6, .5, .4, .3, .25][level])
    return np.uint8(im.resize((side, side), Image.BOX).resize((SIDE, SIDE), Image.BOX))


def jpeg_compression(im, level, random):
    f = io.BytesIO()
    im.save(f, "JPEG", quality=[25, 18, 15, 10, 7][level])
    return np.uint8(Image.open(f))
