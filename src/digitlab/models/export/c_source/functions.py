"""The C functions that exported networks call; only those that a network needs are written, to satisfy `-Wall`."""

__all__ = ["DECLARED", "FUNCTIONS", "PROBABILITIES"]

DECLARED = """\
/* A window that moves over an image; all sizes are rows, columns, channels. */
typedef struct {
    int32_t in[3], out[3];
    int32_t size[2], stride[2], before[2]; /* before: pixels above and left of the image */
} window;
"""

_NUMBER = """\
/* A sum as a number of 8 bits: sum * multiplier / 2^shift + zero. Needs the arithmetic shift that compilers have. */
static int8_t number_of(int32_t sum, int32_t multiplier, int shift, int32_t zero)
{
    int64_t value = (((int64_t)sum * multiplier + ((int64_t)1 << (shift - 1))) >> shift) + zero;
    return (int8_t)(value < -128 ? -128 : value > 127 ? 127 : value);
}
"""

_SUM = """\
/* One kernel laid on one place; pixels outside the image are `outside`, whose value is 0. */
static int32_t sum_of(const int8_t *in, const window *w, const int8_t *weights, int row, int column, int8_t outside)
{
    int32_t sum = 0;
    for (int y = 0; y < w->size[0]; y++) {
        for (int x = 0; x < w->size[1]; x++) {
            int above = row * w->stride[0] + y - w->before[0], left = column * w->stride[1] + x - w->before[1];
            int inside = above >= 0 && above < w->in[0] && left >= 0 && left < w->in[1];
            const int8_t *pixel = inside ? in + (above * w->in[1] + left) * w->in[2] : 0;
            for (int k = 0; k < w->in[2]; k++) {
                sum += *weights++ * (pixel ? pixel[k] : outside);
            }
        }
    }
    return sum;
}
"""

_PRODUCT = """\
static void product(const int8_t *in, const window *w, const int8_t *weights, const int32_t *bias,
                    const int32_t *multipliers, const uint8_t *shifts, int8_t outside, int32_t zero, int8_t *out)
{
    int32_t length = w->size[0] * w->size[1] * w->in[2];
    for (int row = 0; row < w->out[0]; row++) {
        for (int column = 0; column < w->out[1]; column++) {
            for (int k = 0; k < w->out[2]; k++) {
                int32_t sum = bias[k] + sum_of(in, w, weights + k * length, row, column, outside);
                *out++ = number_of(sum, multipliers[k], shifts[k], zero);
            }
        }
    }
}
"""

_DEPTHWISE = """\
/* Each channel has a kernel of its own. */
static void depthwise(const int8_t *in, const window *w, const int8_t *weights, const int32_t *bias,
                      const int32_t *multipliers, const uint8_t *shifts, int8_t outside, int32_t zero, int8_t *out)
{
    for (int row = 0; row < w->out[0]; row++) {
        for (int column = 0; column < w->out[1]; column++) {
            for (int k = 0; k < w->out[2]; k++) {
                int32_t sum = bias[k];
                for (int y = 0; y < w->size[0]; y++) {
                    for (int x = 0; x < w->size[1]; x++) {
                        int above = row * w->stride[0] + y - w->before[0];
                        int left = column * w->stride[1] + x - w->before[1];
                        int inside = above >= 0 && above < w->in[0] && left >= 0 && left < w->in[1];
                        sum += weights[(y * w->size[1] + x) * w->in[2] + k] *
                               (inside ? in[(above * w->in[1] + left) * w->in[2] + k] : outside);
                    }
                }
                *out++ = number_of(sum, multipliers[k], shifts[k], zero);
            }
        }
    }
}
"""

_POOL = """\
/* The largest number under the window, or the mean rounded half up; only pixels inside the image count. */
static void pool(const int8_t *in, const window *w, int largest, int8_t *out)
{
    for (int row = 0; row < w->out[0]; row++) {
        for (int column = 0; column < w->out[1]; column++) {
            for (int k = 0; k < w->out[2]; k++) {
                int32_t sum = 0, count = 0, most = -128;
                for (int y = 0; y < w->size[0]; y++) {
                    for (int x = 0; x < w->size[1]; x++) {
                        int above = row * w->stride[0] + y - w->before[0];
                        int left = column * w->stride[1] + x - w->before[1];
                        if (above >= 0 && above < w->in[0] && left >= 0 && left < w->in[1]) {
                            int32_t value = in[(above * w->in[1] + left) * w->in[2] + k];
                            sum += value + 128;
                            count++;
                            most = value > most ? value : most;
                        }
                    }
                }
                *out++ = (int8_t)(largest ? most : (sum + count / 2) / count - 128);
            }
        }
    }
}
"""

_PLACE = """\
/* Copies channels to a part of `all` channels, by a table of 256 numbers if there is one. */
static void place(const int8_t *in, int32_t pixels, int32_t channels, const int8_t *table, int32_t all, int8_t *out)
{
    for (int pixel = 0; pixel < pixels; pixel++) {
        for (int k = 0; k < channels; k++, in++) {
            out[pixel * all + k] = table ? table[*in + 128] : *in;
        }
    }
}
"""

# By name; each function follows those that it calls.
FUNCTIONS = {
    "number_of": (_NUMBER, ("product", "depthwise")),
    "sum_of": (_SUM, ("product", "sum_of")),
    "product": (_PRODUCT, ("product",)),
    "depthwise": (_DEPTHWISE, ("depthwise",)),
    "pool": (_POOL, ("pool",)),
    "place": (_PLACE, ("place",)),
}

PROBABILITIES = """\
/* e^x for x <= 0, to 1e-5: (e^(x/256))^256, the inner one by four terms of its series. */
static float exponential(float x)
{
    float y = (x < -80.0f ? -80.0f : x) / 256.0f;
    y = 1.0f + y * (1.0f + y * (0.5f + y / 6.0f));
    for (int i = 0; i < 8; i++) {
        y *= y;
    }
    return y;
}
"""
