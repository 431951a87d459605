"""Generate meaningless text without limit: words of several languages and scripts, dates, units, addresses, sums.

A word is a sequence of syllables, a syllable an onset, a nucleus and a coda; which of them a language has, and how
often, is listed by hand below. No text is copied, so there is none to memorise. All randomness comes from the
generator that is passed.

Characters that look like a digit (O, l, I, |, o) are never generated alone: without a word around them, nobody could
say what they are.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

__all__ = [
    "ALPHABETS",
    "LONE_LETTERS",
    "SYMBOLS",
    "caps",
    "date",
    "joined",
    "mail",
    "name",
    "sum_with_letters",
    "token",
    "unit",
    "with_look_alikes",
    "word",
]

# Onsets, nuclei and codas of each language; an item listed twice is twice as frequent, "-" is none.
_SYLLABLES = {
    "latin": (
        (  # German
            "b d f g h k l m n r s t w sch st z p v br tr kl gr fl d s g w -",
            "a e e e e i i o u ei au ie ä ö ü e eu",
            "- - - n n r r t l s ch nd st rt ng m lt cht",
        ),
        (  # English
            "b c d f g h l m n p r s t w th wh sh br st tr cl gr y j qu t th s w -",
            "a e e e i i o o u ea ou oo ai ee y",
            "- - - n r t s d l ng st ck nd ght ll m ve nt x",
        ),
        (  # French
            "b c d f g j l m n p r s t v ch pr tr pl bl qu d l s m -",
            "a e e e i o u é è ou ai eau oi eu ê",
            "- - - - - r s t n l nt c x",
        ),
        (  # Italian and Spanish
            "b c d f g l m n p r s t v ch gr tr qu z ll ñ sc l r t c -",
            "a a e e i i o o u ia io ò è",
            "- - - - - n r l s",
        ),
        (  # Polish and Czech
            "b d k l m n p r s t w z cz sz prz rz st j kr č š ž w p k -",
            "a a e e i o o u y ą ę ó á ě í",
            "- - - - k m n w ł ć j ch sz",
        ),
        (  # Turkish and Finnish
            "b d g h k l m n p r s t v y ç ş k t l -",
            "a a e i ı o u ü ö ä aa ii uu",
            "- - - n r l k t s m",
        ),
    ),
    "greek": (
        (
            "α β γ δ ζ θ κ λ μ ν ξ π ρ σ τ φ χ ψ κ τ π σ μ ν -",
            "α α ε ε η ι ι ο ο υ ω ου αι ει ά έ ή ί ό",
            "- - - - ν ρ λ",
        ),
    ),
    "cyrillic": (
        (
            "б в г д ж з к л м н п р с т х ц ч ш пр ст в н к с т д -",
            "а а а о о о е е е и и у ы я ю ё э",
            "- - - - й л м н р т к в щ ть сь",
        ),
    ),
    "hebrew": (("א ב ג ד ה ז ח ט י כ ל מ נ ס ע פ צ ק ר ש ת ל מ ה ב", "- - ו י א", "- - -"),),
    "arabic": (("ب ت ج ح خ د ر س ش ص ط ع ف ق ك ل م ن ه ي ل م ن", "- - ا ا و ي", "- - -"),),
    "devanagari": (("क ख ग च ज त द न प ब म य र ल व स ह क र त न", "- - ा ा ी े ो ु", "- - - -"),),
    "thai": (("ก ข ค ง จ ช ด ต ท น บ ป พ ม ย ร ล ว ส ห อ", "- า า ะ ี ิ ู ุ", "- - น ก ม ง"),),
    "georgian": (("ბ გ დ ვ ზ თ კ ლ მ ნ პ რ ს ტ ფ ქ შ ჩ ც ხ", "ა ა ე ი ო უ", "- - - ს ნ დ"),),
    "armenian": (("բ գ դ զ թ կ հ մ ն պ ջ ռ ս վ տ ց ք", "ա ա ե ի ո ու է", "- - - ն ր լ"),),
    "kana": (
        (
            "あ い う え お か き く け こ さ し す せ そ た ち つ て と な に ぬ ね "
            "の は ひ ふ へ ほ ま み む め も や ゆ よ ら り る れ ろ わ を が ぎ だ "
            "で ば",
            "-",
            "- - - - - ん っ",
        ),
        (
            "ア イ ウ エ カ キ ク ケ コ サ シ ス セ ソ タ チ ツ テ ト ナ ニ ヌ ネ ノ "
            "ハ ヒ フ ヘ ホ マ ミ ム メ モ ヤ ユ ヨ ラ リ ル レ ワ ド バ パ",
            "-",
            "- - - - ー ン",
        ),
        (
            "日 本 人 大 小 中 国 年 月 時 分 今 何 上 下 左 右 山 川 田 水 火 木 金 "
            "土 子 女 男 学 生 先 私 友 行 来 見 食 車 電 話 語 書 名 前 円",
            "- - の は を い に",
            "-",
        ),
    ),
    "hangul": (
        (
            "가 나 다 라 마 바 사 아 자 하 고 노 도 로 모 보 소 오 기 니 리 시 지 한 "
            "국 은 는 을 를 이 에 서 우 수 요 습 입 것 말 글",
            "-",
            "-",
        ),
    ),
}
_ONE_LETTER_A_SYLLABLE = ("hebrew", "arabic", "kana", "hangul")
_CASED = ("latin", "greek", "cyrillic")

SYMBOLS = "+−×·÷=≠≈<>≤≥±∑∫√∞πΔΩ()[]{}?!&%#@*/~^§€$£✓✗→←↑↓°µ½"
_VARIABLES = "xyzabcnmkuvtpqrfghXYABCEFPQ"
_UPPER_LOOK_ALIKES, _LOWER_LOOK_ALIKES, _RESEMBLING = "SSSGGOOIIZZBQD", "sslloozzbgqi", 0.15
LONE_LETTERS = "IIIIIIaaAAyoiezsuvkwE"  # words of one letter in several languages, and initials
_MONTHS = "Jan Feb March April Mai May June Juli Aug Sept Okt Nov Dez janvier mars avril août enero marzo abril"
_UNITS = "kg g mg km m cm mm ml h min s € $ % °C kWh W V A Hz MB GB Std. St. km/h m² EUR Pf. lb oz ft in"
_ENDINGS = "com org net de fr it es eu info"
_TITLES = "Dr. Mr. Mrs. Ms. Prof. Hr. Fr. Mme Sr."


def _split(languages: tuple[tuple[str, str, str], ...]) -> tuple[tuple[tuple[str, ...], ...], ...]:
    rows = [[row.split() for row in language] for language in languages]
    return tuple(tuple(tuple("" if part == "-" else part for part in row) for row in language) for language in rows)


_PARTS = {script: _split(languages) for script, languages in _SYLLABLES.items()}


def _alphabet(script: str) -> frozenset[str]:
    """Collect all characters that words, symbols and numbers of a script may contain."""
    letters = {letter for language in _PARTS[script] for row in language for part in row for letter in part}
    if script in _CASED:
        letters |= {form for letter in letters for form in letter.upper()}
    if script == "latin":
        letters |= {letter for letter in _LATIN_TEXT if not letter.isspace()}
    if script == "greek":
        letters |= set("ςΓΔΘΛΞΠΣΦΨΩ")
    if script == "arabic":
        letters |= {form for forms in ARABIC_FORMS.values() for form in forms}
    return frozenset(letters)


def _arabic_forms() -> dict[str, tuple[str, ...]]:
    """Map each Arabic letter to its isolated, final, initial and medial forms, as Unicode names them."""
    forms: dict[str, dict[str, str]] = {}
    for code in range(0xFE80, 0xFEF5):
        position, *letters = unicodedata.decomposition(chr(code)).split()
        if len(letters) == 1:
            forms.setdefault(chr(int(letters[0], 16)), {})[position] = chr(code)
    order = ("<isolated>", "<final>", "<initial>", "<medial>")
    return {
        letter: tuple(found[position] for position in order if position in found) for letter, found in forms.items()
    }


ARABIC_FORMS = _arabic_forms()


def joined(letters: str) -> str:
    """Replace Arabic letters by the forms that they take next to each other; leave anything else unchanged."""
    shaped = ""
    for before, letter, after in zip(f" {letters}", letters, f"{letters[1:]} ", strict=False):
        forms = ARABIC_FORMS.get(letter, (letter,))
        follows = len(ARABIC_FORMS.get(before, ())) == 4  # the letter before joins to this one
        leads = len(forms) == 4 and after in ARABIC_FORMS
        shaped += forms[(1 if follows and len(forms) > 1 else 0) + (2 if leads else 0)]
    return shaped


_LATIN_TEXT = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,;:!?-–'\"()_…„“”«»" + SYMBOLS + _UNITS + _MONTHS
)
ALPHABETS = {script: _alphabet(script) for script in _PARTS}


def _pick(rng: np.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(rng.random() * len(choices))]


def _number(rng: np.random.Generator, digits: int) -> str:
    return str(int(rng.integers(10**digits)))


def word(rng: np.random.Generator, script: str = "latin") -> str:
    """Generate a word of one to four syllables and at least two letters, in lower case where the script has case."""
    languages = _PARTS[script]
    onsets, nuclei, codas = languages[int(rng.random() * len(languages))]
    least = 2 if script in _ONE_LETTER_A_SYLLABLE else 1
    letters = ""
    for _ in range(least + int(3 * rng.random() ** 1.3)):
        letters += _pick(rng, onsets) + _pick(rng, nuclei) + _pick(rng, codas)
    while len(letters) < 2:
        letters += _pick(rng, onsets) + _pick(rng, nuclei)
    if script == "greek" and letters.endswith("σ"):
        letters = f"{letters[:-1]}ς"
    return joined(letters) if script == "arabic" else letters


def with_look_alikes(rng: np.random.Generator, letters: str, share: float = 0.35) -> str:
    """Replace this share of a Latin word's letters by ones that resemble digits: only the word tells what they are."""
    return "".join(
        letter if rng.random() > share or not letter.isascii() or not letter.isalpha()
        else _pick(rng, _UPPER_LOOK_ALIKES if letter.isupper() else _LOWER_LOOK_ALIKES)
        for letter in letters
    )  # fmt: skip


def name(rng: np.random.Generator, script: str = "latin") -> str:
    """Generate a word with an initial capital, sometimes with a title before it."""
    letters = word(rng, script)
    if script not in _CASED:
        return letters
    letters = letters[0].upper() + letters[1:]
    if script == "latin" and rng.random() < 0.15:
        return f"{_pick(rng, _TITLES.split())} {letters}"
    return letters


def caps(rng: np.random.Generator, script: str = "latin") -> str:
    """Generate a word in capitals."""
    letters = word(rng, script)
    return letters.upper() if script in _CASED else letters


def date(rng: np.random.Generator, *, digits: bool = True) -> str:
    """Generate a date or a time: "12. Mai", "3 août", "7.4.", "8:05"; without digits only the month."""
    month = _pick(rng, _MONTHS.split())
    if not digits:
        return month
    day, number = 1 + int(31 * rng.random()), 1 + int(12 * rng.random())
    year = 1900 + int(140 * rng.random())
    forms = (
        f"{day}. {month}", f"{day} {month}", f"{month} {day}", f"{day}. {month} {year}", f"{day}.{number}.",
        f"{day}.{number}.{year}", f"{day:02}/{number:02}/{year % 100:02}", f"{year}-{number:02}-{day:02}",
        f"{day % 24}:{year % 60:02}", f"{day % 24}h{year % 60:02}",
    )  # fmt: skip
    return _pick(rng, forms)


def unit(rng: np.random.Generator, *, digits: bool = True) -> str:
    """Generate a quantity: "12 kg", "3,50 €", "$40"; without digits only the unit."""
    measure = _pick(rng, _UNITS.split())
    if not digits:
        return measure if len(measure) > 1 and measure != "lb" else f"{measure}."
    amount = _number(rng, 1 + int(3 * rng.random()))
    forms = (
        f"{amount} {measure}",
        f"{amount}{measure}",
        f"{amount},{_number(rng, 2)} {measure}",
        f"{measure} {amount}",
    )
    return _pick(rng, (*forms, f"{amount}.{_number(rng, 1)} {measure}", f"{amount}x", f"No. {amount}", f"§ {amount}"))


def mail(rng: np.random.Generator, *, digits: bool = True) -> str:
    """Generate what looks like an email or web address."""
    user, host, ending = word(rng), word(rng), _pick(rng, _ENDINGS.split())
    number = _number(rng, 2) if digits and rng.random() < 0.3 else ""
    joint = _pick(rng, (".", "_", "-", ""))
    return _pick(
        rng, (f"{user}{number}@{host}.{ending}", f"{user}{joint}{host}@{word(rng)}.{ending}", f"www.{host}.{ending}")
    )


def sum_with_letters(rng: np.random.Generator, *, digits: bool = True) -> str:
    """Generate algebra: "x2 + 31 = 4", "a(b − c) = 0", "sin α"; without digits "x + y = z"."""

    def term() -> str:
        variable = _pick(rng, _VARIABLES)
        if not digits:
            return _pick(rng, (variable, variable + _pick(rng, _VARIABLES), _pick(rng, "αβγλπθφ"), f"sin {variable}"))
        number = _number(rng, 1 + int(2.2 * rng.random() ** 2))
        forms = (
            variable,
            number,
            number,
            f"{number}{variable}",
            f"{variable}{number}",
            f"{number}({variable}",
            f"√{number}",
        )
        form = _pick(rng, forms)
        return form + ")" * form.count("(")

    space = _pick(rng, (" ", " ", ""))
    written = term()
    for _ in range(1 + int(2 * rng.random())):
        written += f"{space}{_pick(rng, '++−−×·/')}{space}{term()}"
    return f"{written}{space}{_pick(rng, '===≠<>≤≈')}{space}{term()}" if rng.random() < 0.8 else written


def _plain(rng: np.random.Generator, script: str) -> str:
    kind = rng.random()
    written = word(rng, script) if kind < 0.66 else name(rng, script) if kind < 0.9 else caps(rng, script)
    if script == "latin" and len(written) > 2 and rng.random() < _RESEMBLING:
        written = with_look_alikes(rng, written)
    mark = rng.random()
    if mark < 0.12:
        return written + _pick(rng, ",,..;:!??")
    if mark < 0.15:
        brackets = _pick(rng, ("()", '""', "„“", "«»", "[]"))
        return f"{brackets[0]}{written}{brackets[1]}"
    return f"{written}-{word(rng, script)}" if mark < 0.17 else written


def token(rng: np.random.Generator, scripts: Sequence[str] = ("latin",), *, digits: bool = True) -> str:
    """Generate a piece of running text: mostly a word of one of the ``scripts``, or a date, a unit, a sum, an address.

    Args:
        rng: the source of all randomness.
        scripts: keys of ``ALPHABETS``; items that need Latin letters occur only if "latin" is among them.
        digits: whether it may contain 0 to 9.
    """
    if "latin" not in scripts or rng.random() < 0.84:
        return _plain(rng, _pick(rng, scripts))
    special = _pick(rng, tuple(_SPECIALS))
    return _SPECIALS[special](rng, digits=digits)


_SPECIALS: dict[str, Callable[..., str]] = {"date": date, "unit": unit, "sum": sum_with_letters, "mail": mail}
