"""Scripts, such as Latin, Han and Gujarati: which one each letter is of.

They are a table of this package, from Unicode 18.0, as `bytepiece.text.character_classes` is.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from bytepiece.text.character_classes import LETTER, class_table, code_points

__all__ = ["NO_SCRIPT", "script_table"]

NO_SCRIPT = 0
"""Of what is no letter, and of letters that several scripts share."""


@cache
def script_table() -> NDArray[np.uint8]:
    """The number of the script of each code point.

    >>> latin, accented, cyrillic, digit = script_table()[[ord(character) for character in "aéж5"]].tolist()
    >>> latin == accented, latin == cyrillic, digit == NO_SCRIPT
    (True, False, True)
    """
    table = np.full(0x110000, NO_SCRIPT, dtype=np.uint8)
    number = NO_SCRIPT
    for word in _SCRIPTS.split():
        if word[0].isupper():
            number += 1
        else:
            table[code_points(word)] = number
    table[class_table() != LETTER] = NO_SCRIPT
    return table


_SCRIPTS = """
    Latn 41-aa ba-2b8 2e0-2e4 1d00-1d25 1d2c-1d5c 1d62-1d65 1d6b-1d77 1d79-1dbe 1e00-1eff 2071-207f 2090-209f
    212a-212b 2132 214e-2184 2c60-2c7f a722-a787 a78b-a7ff ab30-ab64 ab66-ab6d fb00-fb06 ff21-ff5a 10780-107bf
    1df00-1dff2 1dff5-1dfff Grek 370-373 376-3e1 3f0-3ff 1d26-1d2a 1d5d-1d61 1d66-1d6a 1dbf 1f00-1ffc 2126 ab65
    1d242-1d244 1dff3-1dff4 Copt 3e2-3ef 2c80-2cf3 Cyrl 400-484 487-52f 1c80-1c8a 1d2b 1d78 2de0-2dff a640-a69f
    fe2e-fe2f 1e030-1e08f Armn 531-58c fb13-fb17 Hebr 591-5f2 fb1d-fb4f Arab 610-63f 641-64a 656-66f 671-6ff 750-77f
    870-8ff fb50-fdfb fe70-fefc 10ec2-10eff 1ee00-1eebb Syrc 710-74f 860-86a Thaa 780-7b1 Nkoo 7ca-7fd Samr 800-82d
    Mand 840-85b Deva 900-950 955-97f a8e0-a8ff 11b0a Beng 980-9fe 11df0-11df1 Guru a01-a75 Gujr a81-aff Orya
    b01-b71 Taml b82-bd7 Telu c00-c63 Knda c80-cf3 Mlym d00-d7f Sinh d81-df3 Thai e01-e4e Laoo e81-edf Tibt f00-fc6
    Mymr 1000-109d a9e0-a9fe aa60-aa7f Geor 10a0-10ff 1c90-1cbf 2d00-2d2d Hang 1100-11ff 302e-302f 3131-318e
    a960-a97c ac00-d7fb ffa0-ffdc Ethi 1200-138f 2d80-2dde ab01-ab2e 1e7e0-1e7fe Cher 13a0-13fd ab70-abbf Cans
    1401-167f 18b0-18f5 11ab0-11abf Ogam 1681-169a Runr 16a0-16f8 Tglg 1700-171f Hano 1720-1734 Buhd 1740-1753 Tagb
    1760-1773 Khmr 1780-17dd Mong 180b-18aa Limb 1900-193b Tale 1950-1974 Talu 1980-19c9 Bugi 1a00-1a1b Lana
    1a20-1aa7 Bali 1b00-1b73 Sund 1b80-1bbf Batk 1bc0-1bf3 Lepc 1c00-1c4f Olck 1c5a-1c7d Glag 2c00-2c5f 1e000-1e02a
    Tfng 2d30-2d7f Hani 3005 303b 3400-9fff f900-fad9 16fe3 16ff0-16ff3 20000-33479 Hira 3041-3096 309d-309f
    1b001-1b11f 1b123 1b132-1b152 Kana 30a1-30fa 30fd-30ff 31f0-31ff ff66-ff6f ff71-ff9d 1aff0-1b000 1b120-1b122
    1b124-1b128 1b155-1b168 Bopo 3105-312f 31a0-31bf Yiii a000-a48c Lisu a4d0-a4fd 11fb0 Vaii a500-a62b Bamu
    a6a0-a6f1 16800-16a38 Sylo a800-a82c Phag a840-a873 Saur a880-a8c5 Kali a90a-a92d Rjng a930-a953 Java a980-a9c0
    Cham aa00-aa4d Tavt aa80-aadd Mtei aae0-aaf6 abc0-abed Linb 10000-100fa Lyci 10280-1029c Cari 102a0-102d0 Ital
    10300-1032f Goth 10330-10349 Perm 10350-1037a Ugar 10380-1039d Xpeo 103a0-103cf Dsrt 10400-1044f Shaw
    10450-1047f Osma 10480-1049d Osge 104b0-104fb Elba 10500-10527 Aghb 10530-10563 Vith 10570-105bc Todr
    105c0-105f3 Lina 10600-10767 Cprt 10800-1083f Armi 10840-10855 Palm 10860-10876 Nbat 10880-1089e Hatr
    108e0-108f5 Phnx 10900-10915 Lydi 10920-10939 Sidt 10940-10959 Mero 10980-1099f Merc 109a0-109bf Khar
    10a00-10a3f Sarb 10a60-10a7c Narb 10a80-10a9c Mani 10ac0-10ae6 Avst 10b00-10b35 Prti 10b40-10b55 Phli
    10b60-10b72 Phlp 10b80-10b91 Orkh 10c00-10c48 Hung 10c80-10cf2 Rohg 10d00-10d27 Gara 10d4a-10d85 Yezi
    10e80-10eb1 Sogo 10f00-10f27 Sogd 10f30-10f50 Ougr 10f70-10f85 Chrs 10fb0-10fc4 Elym 10fe0-10ff6 Brah
    11000-1107f Kthi 11080-110c2 Sora 110d0-110e8 Cakm 11100-11147 Mahj 11150-11176 Shrd 11180-111dc 11b60-11b67
    Khoj 11200-11241 Mult 11280-112a8 Sind 112b0-112ea Gran 11300-11339 1133c-11374 Tutg 11380-113e2 Newa
    11400-11461 Tirh 11480-114c7 Sidd 11580-115dd Modi 11600-11644 Takr 11680-116b8 Ahom 11700-11746 Dogr
    11800-1183a Wara 118a0-118ff Diak 11900-11943 Nand 119a0-119e4 Zanb 11a00-11a47 Soyo 11a50-11a9d Pauc
    11ac0-11af8 Sunu 11bc0-11be0 Bhks 11c00-11c40 Marc 11c72-11cb6 Gonm 11d00-11d47 Gong 11d60-11d98 Tols
    11db0-11ddb Maka 11ee0-11ef6 Kawi 11f00-11f5a Xsux 12000-12543 Cpmn 12f90-12ff0 Egyp 13000-143fa Hluw
    14400-14646 Gukh 16100-1612f Mroo 16a40-16a5e Tnsa 16a70-16abe Bass 16ad0-16af4 Hmng 16b00-16b8f Krai
    16d40-16d6c Medf 16e40-16e7f Berf 16ea0-16ed3 Plrd 16f00-16f9f Tang 16fe0 17000-18aff 18d00-18df2 Nshu 16fe1
    1b170-1b2fb Kits 16fe4 18b00-18cff Jurc 18e00-191d2 Dupl 1bc00-1bc9e Sgnw 1da00-1daaf Hmnp 1e100-1e14e Toto
    1e290-1e2ae Wcho 1e2c0-1e2ef Nagm 1e4d0-1e4ef Onao 1e5d0-1e5f0 Tayo 1e6c0-1e6ff Mend 1e800-1e8d6 Adlm
    1e900-1e94b Seal 3d000-3fc3f
"""
"""The short name of each script in ISO 15924, and its letters. Between these there may be what is no letter."""
