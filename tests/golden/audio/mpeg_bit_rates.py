#!/usr/bin/env python3
"""Writes mpeg_bit_rates.json: the bit rates of MPEG audio in kbit/s by version and layer, as mutagen 1.48.1 has them.

    pip install mutagen==1.48.1 && python3 mpeg_bit_rates.py
"""
import json
import pathlib

from mutagen.mp3 import MPEGFrame

rates = MPEGFrame._MPEGFrame__BITRATE
table = {f"{version:g}/{layer}": rates[version, layer] for version in (1, 2, 2.5) for layer in (1, 2, 3)}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(table).replace('], "', '],\n "') + "\n", encoding="utf-8")
