import cv2
import numpy as np
import pytest

from digitlab.errors import ModelError, UsageError
from digitlab.live import frame_reading
from digitlab.live.frame_reading import check_mode, look
from digitlab.reading import Reader, digit_image

REGION = (220, 140, 420, 340)


def test_the_region_is_read_as_a_photo_of_it_is(page_of, reader):
    image = page_of("5")[0]
    part = image[140:340, 220:420]
    seen = look(image, "region", REGION, reader)
    prediction = reader.classify(part)
    assert seen.reading.digits[0].digit == prediction.digit == 5
    assert seen.probabilities == prediction.probabilities
    np.testing.assert_array_equal(seen.glyph, digit_image(part))
    assert seen.reading.digits[0].box == REGION


def test_a_digit_whose_ink_cannot_be_cut_out_is_answered_all_the_same(page_of, reader, monkeypatch):
    monkeypatch.setattr(frame_reading, "digit_image", lambda _: None)
    seen = look(page_of("5")[0], "region", REGION, reader)
    assert (seen.glyph, seen.reading.text, len(seen.detections)) == (None, "5", 1)


def test_a_page_is_read_as_a_photo_is(page_of, reader):
    image = page_of("68/85")[0]
    seen = look(image, "page", REGION, reader)
    reading = reader.read(image)
    assert [each.box for each in seen.reading.digits] == [each.box for each in reading.digits]
    assert seen.reading.text == reading.text == "68\n85"
    assert len(seen.detections) == len(reading.digits)
    for detection, found in zip(seen.detections, reading.digits, strict=True):
        assert sum(detection.probabilities) == pytest.approx(1.0, abs=1e-4)
        assert detection.score * max(detection.probabilities) == pytest.approx(found.confidence, abs=1e-6)
        assert detection.image is image


def test_s0_steps_by_hand(page_of, sobel_model):
    """Crop, grey, blur, 28×28, |gx| + |gy| of size 5, stretched; our own file takes the grey image."""
    image = page_of("5")[0]
    seen = look(image, "thesis", REGION, Reader(sobel_model))
    grey = cv2.cvtColor(image[140:340, 220:420], cv2.COLOR_RGB2GRAY)
    small = cv2.resize(cv2.GaussianBlur(grey, (5, 5), 0), (28, 28))
    edges = sum(np.abs(cv2.Sobel(small.astype(np.float64), cv2.CV_64F, *way, ksize=5)) for way in ((1, 0), (0, 1)))
    edges = 255 * (edges - edges.min()) / (edges.max() - edges.min())
    assert np.abs(seen.glyph.astype(float) - edges).max() <= 1.0
    answers = Reader(sobel_model).classifier.probabilities(small[None])[0]
    np.testing.assert_allclose(seen.probabilities, answers, atol=1e-6)


def test_a_foreign_network_gets_the_sobel_image(page_of, foreign_model):
    """Without a card, a network of S0's kind was trained on Sobel images."""
    seen = look(page_of("5")[0], "thesis", REGION, Reader(foreign_model))
    answers = Reader(foreign_model).classifier.probabilities(seen.glyph[None])[0]
    np.testing.assert_allclose(seen.probabilities, answers, atol=1e-6)


def test_a_network_for_grey_images_is_refused(page_of, reader):
    with pytest.raises(ModelError, match="mode thesis needs a network for Sobel images"):
        look(page_of("5")[0], "thesis", REGION, reader)


def test_modes_have_names():
    assert check_mode("page") == "page"
    with pytest.raises(UsageError, match="'pages'; expected one of region, page, thesis"):
        check_mode("pages")
