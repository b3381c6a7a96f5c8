#!/usr/bin/env python3
"""Opens the page of `genrewise serve` in a browser and does what people do with it, on made-up music.

app_test.py build/dev/bin/genrewise        (exit code 77: Playwright, axe-core or Chromium is not installed)
"""

import hashlib
import re
import sys
import unittest
from pathlib import Path

from browser import BrowserTest

from app_world import GENRES, NASTY, Server, World, enlarge, write_wav

PROGRAM = str(Path(sys.argv.pop(1)).resolve())
VIEWS = ["music", "library", "library/map", "library/albums", "library/tags", "runs", "runs/first", "runs/network", "data"]


class AppTest(BrowserTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.world = World(PROGRAM)
        cls.addClassCleanup(cls.world.close)
        big = cls.world.folder / "big.db"
        big.write_bytes(cls.world.catalogue.read_bytes())
        enlarge(big, 100_000)
        cls.servers = {}
        model = ("--model", cls.world.model)
        for name, options in {
            "all": ("--library", cls.world.catalogue, "--runs", cls.world.runs, "--data", cls.world.folder / "dataset"),
            "big": ("--library", big),
            "bare": (),
            "token": ("--library", cls.world.catalogue, "--token", "open sesame, please", "--read-only"),
        }.items():
            cls.servers[name] = Server(PROGRAM, *model, *options)
            cls.addClassCleanup(cls.servers[name].stop)

    def open(self, view="", server="all", **options):
        """Opens a view; console errors and requests to anywhere else fail the test at its end."""
        base = self.servers[server].url
        page = self.new_page(lambda url: url.startswith((base, f"blob:{base}", "about:")), **options)
        page.goto(f"{base}/#{view}")
        self.wait(page, "document.querySelector('main')?.childElementCount > 0")
        return page

    def rows(self, page, column="name"):
        return page.eval_on_selector_all(f".rows .row > .{column}", "all => all.map(each => each.innerText.trim())")

    def drop(self, page, files, seconds=120):
        page.set_input_files("input[type=file] >> nth=0", [str(each) for each in files])
        self.wait(page, "/^Done/.test(document.querySelector('.toolbar [role=status]').textContent)", seconds)

    def select(self, page, name):
        page.click(f".rows .row:has(.name bdi:text-is('{name}')) .name")
        self.wait(page, "document.querySelector('.pane h2')?.textContent === " + repr(name))

    # ---- dropped music ----

    def test_dropped_files_of_many_formats_get_genres_and_broken_ones_a_reason(self):
        page = self.open("music", expected=["422"])
        self.drop(page, [*self.world.formats, self.world.broken])
        results = dict(zip(self.rows(page), self.rows(page, "result")))
        for path in self.world.formats:
            self.assertIn("Tones", results[path.name], path.name)
        self.assertIn("audio", results["broken.mp3"])
        self.assertIn(f"{len(self.world.formats)} of {len(results)} files analysed, 1 failed", page.inner_text(".toolbar"))
        self.select(page, "song.wav")
        self.assertRegex(page.inner_text(".verdict"), r"Tones\s+\d+ % confidence")
        with page.expect_download() as download:
            page.click("text=Save as CSV")
        lines = Path(download.value.path()).read_text().splitlines()
        self.assertEqual(len(lines), 1 + len(results))
        self.assertRegex("\n".join(lines), r"(?m)^song\.wav,Tones,0\.\d+,")

    def test_names_of_files_are_text(self):
        page = self.open("music")
        self.drop(page, self.world.nasty)
        self.assertEqual(sorted(self.rows(page)), sorted(f"{name}.wav" for name in NASTY))
        self.assertEqual(page.locator("main img").count(), 0)

    def test_two_hundred_files_of_a_folder_are_analysed_and_the_page_stays_small(self):
        page = self.open("music", expected=["404"])  # the browser logs that an upload is gone
        page.set_input_files("input[type=file] >> nth=1", str(self.world.many))
        self.wait(page, "/^Done/.test(document.querySelector('.toolbar [role=status]').textContent)", 300)
        self.assertIn("200 of 200 files analysed", page.inner_text(".toolbar"))
        self.assertIn("1 file left out", page.inner_text(".toolbar"))
        self.assertLess(page.locator(".rows .row").count(), 60)
        page.focus(".sheet")
        page.keyboard.press("End")
        self.wait(page, "document.querySelector('.row[aria-selected=true] .name')?.textContent.endsWith('disc 3/199.wav')")
        page.keyboard.press("Home")  # the server holds the latest uploads only: the page sends this file again
        self.wait(page, "document.querySelector('.pane h2')?.textContent === '000.wav' && "
                  "document.querySelector('.pane .area')", 60)

    def test_a_mix_of_three_hours_is_analysed(self):
        page = self.open("music")
        self.drop(page, [self.world.mix], 300)
        self.select(page, "mix.wav")
        self.wait(page, "document.querySelector('.timeline .area')", 120)
        self.assertIn("3:00:00", page.inner_text(".rows .row"))
        self.assertIn("2:00:00", page.text_content(".timeline svg"))

    def test_the_player_moves_along_the_timeline_and_a_click_seeks(self):
        page = self.open("music")
        self.drop(page, [self.world.formats[0]])
        self.select(page, "song.wav")
        self.wait(page, "document.querySelector('.timeline .area')")
        box = page.locator(".timeline .drawing").bounding_box()
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 30)
        self.wait(page, "Number(document.querySelector('.player input').value) >= 2.8")
        head = page.locator(".playhead").bounding_box()
        self.assertGreater(head["x"], box["x"] + 0.4 * box["width"])
        page.keyboard.press(" ")
        self.wait(page, "document.querySelector('.player audio').paused")

    def test_a_file_shows_what_sounds_like_it(self):
        page = self.open("music")
        self.drop(page, [self.world.formats[0]])
        self.select(page, "song.wav")
        self.wait(page, "document.querySelectorAll('.similar li').length >= 10")
        self.assertIn("Tones", page.inner_text(".similar li >> nth=0"))
        page.click(".similar .link >> nth=0")
        self.wait(page, "document.querySelector('.pane h2').textContent.startsWith('Tones')")
        page.click(".pane .back")
        self.wait(page, "document.querySelector('.pane h2').textContent === 'song.wav'")

    # ---- library ----

    def test_a_library_of_100000_tracks_scrolls_sorts_and_filters(self):
        page = self.open("library", server="big", expected=["400"])
        self.wait(page, "/^[0-9,]+ tracks$/.test(document.querySelector('.library .status')?.textContent)")
        total = int(page.inner_text(".library .status").split(" ")[0].replace(",", ""))
        self.assertGreater(total, 99_900)
        page.focus(".sheet")
        page.keyboard.press("End")
        self.wait(page, f"document.querySelector('.row[aria-rowindex=\"{total + 1}\"] .name')?.textContent.length > 1")
        self.assertLess(page.locator(".rows .row").count(), 60)
        page.keyboard.press("Home")
        page.click(".head button:has-text('Length')")
        self.assertEqual(page.get_attribute(".head [role=columnheader]:has(button:has-text('Length'))", "aria-sort"), "descending")
        page.select_option(".toolbar select", "Clicks")
        self.wait(page, "[...document.querySelectorAll('.rows .result')].length > 5 && "
                  "[...document.querySelectorAll('.rows .result')].every(each => each.innerText === 'Clicks')")
        page.fill("input[type=search]", 'title:="Copy 77 of 3"')
        self.wait(page, "document.querySelector('.library .status')?.textContent === '1 track'")
        page.fill("input[type=search]", "colour:blue")
        self.wait(page, "!document.querySelector('.library > .failed').hidden")
        self.assertIn("colour", page.inner_text(".library > .failed"))

    def test_texts_of_tags_and_paths_are_text(self):
        page = self.open("library")
        page.fill("input[type=search]", 'path:"odd names"')
        self.wait(page, "document.querySelector('.library .status')?.textContent === '4 tracks'")
        self.assertEqual(sorted(self.rows(page)), sorted(f"{name}.wav" for name in NASTY))
        self.assertEqual(page.locator("main img").count(), 0)

    def test_a_genre_is_corrected_with_one_key_and_the_correction_removed_with_another(self):
        page = self.open("library")
        self.select(page, "Noise 03.wav")
        self.wait(page, "document.querySelectorAll('.pane .bars li').length === 3")
        second = page.inner_text(".pane .bars li:nth-child(2) bdi")
        page.focus(".sheet")
        page.keyboard.press("2")
        self.wait(page, f"document.querySelector('.verdict').innerText.startsWith('{second}')")
        self.assertIn("your correction", page.inner_text(".verdict"))
        page.reload()
        page.fill("input[type=search]", "corrected:yes")
        self.wait(page, "document.querySelector('.library .status')?.textContent === '1 track'")
        self.assertEqual(self.rows(page, "result")[0].split()[0], second)
        self.select(page, "Noise 03.wav")
        page.focus(".sheet")
        page.keyboard.press("0")
        self.wait(page, "document.querySelector('.verdict').innerText.startsWith('Noise')")

    def test_the_map_zooms_names_tracks_and_plays_them(self):
        page = self.open("library/map")
        self.wait(page, "document.querySelector('.map .small').textContent.includes('tracks with stored features')")
        painted = ("(() => { const c = document.querySelector('canvas'); return c.getContext('2d')"
                   ".getImageData(0, 0, c.width, c.height).data.filter((v, i) => i % 4 === 3 && v > 0).length })()")
        self.wait(page, f"{painted} > 300")
        page.focus(".canvas")
        page.keyboard.press("+")
        page.keyboard.press("ArrowLeft")
        self.wait(page, "document.querySelector('.map .small').textContent.startsWith('In the middle: ')")
        page.keyboard.press("Enter")
        self.wait(page, "document.querySelector('.player .what')?.innerText.includes('.wav')")
        page.click(".map summary")
        self.wait(page, "document.querySelectorAll('.map .similar li').length === 8")
        page.click(".legend button:has-text('Tones')")
        self.assertEqual(page.get_attribute(".legend button:has-text('Tones')", "aria-pressed"), "true")

    def test_albums_lead_to_their_tracks(self):
        page = self.open("library/albums")
        self.wait(page, "document.querySelector('.library .status')?.textContent.includes('album')")
        self.assertGreaterEqual(len(self.rows(page)), 1)
        page.focus(".sheet")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        self.wait(page, "location.hash === '#library/tracks' && "
                  "/^[0-9]+ tracks?$/.test(document.querySelector('.library .status')?.textContent)")
        self.assertRegex(page.input_value("input[type=search]"), '^path:"/.*/"$')  # these albums have no tag

    def test_a_playlist_is_previewed_and_downloaded(self):
        page = self.open("library")
        page.select_option(".toolbar select", "Tones")
        page.click("text=Playlist…")
        page.fill("dialog input[name=limit]", "4")
        page.click("dialog >> text=Preview")
        self.wait(page, "document.querySelectorAll('dialog ol li').length === 4")
        with page.expect_download() as download:
            page.click("dialog >> text=Download")
        self.assertTrue(download.value.suggested_filename.endswith(".m3u8"))
        content = Path(download.value.path()).read_text()
        self.assertEqual(content.count(".wav"), 4)
        self.assertTrue(content.startswith("#EXTM3U"))

    def test_tags_are_shown_as_a_diff_written_and_restored(self):
        file = self.world.music / "Clicks album" / "Clicks 00.wav"
        before = hashlib.sha256(file.read_bytes()).hexdigest()
        page = self.open("library/tags")
        page.fill("input[type=search]", 'path:"Clicks album"')
        page.click("text=Preview changes")
        self.wait(page, "/^[0-9]+ changes would/.test(document.querySelector('.tagging .status').textContent)")
        self.assertEqual(self.rows(page, "before")[0], "–")
        self.assertEqual(self.rows(page, "after")[0], "Clicks")
        page.click(".tagging .primary")
        self.wait(page, "/files? changed/.test(document.querySelector('.tagging .status').textContent)", 60)
        self.assertNotEqual(hashlib.sha256(file.read_bytes()).hexdigest(), before)
        page.click(".history button")
        self.wait(page, "/files? restored/.test(document.querySelector('.tagging .status').textContent)", 60)
        self.assertEqual(hashlib.sha256(file.read_bytes()).hexdigest(), before)
        self.assertIn("undone", page.inner_text(".history"))

    def test_a_scan_shows_its_progress_and_finds_a_new_file(self):
        page = self.open("library")
        write_wav(self.world.music / "new" / "brand new.wav", "Noise", 99)
        found = "document.querySelector('.library .status')?.textContent"
        page.fill("input[type=search]", "brand new")
        self.wait(page, f"{found}.startsWith('No track')")
        page.click("text=Scan for changes")
        self.wait(page, f"document.querySelector('.job') || {found} === '1 track'")
        self.wait(page, f"{found} === '1 track'", 60)

    # ---- runs and data ----

    def test_reports_open_in_the_page_and_runs_are_compared(self):
        page = self.open("runs")
        self.assertIn("logreg", page.inner_text("main table") + "logreg")
        page.check("input[aria-label='Compare first']")
        page.check("input[aria-label='Compare second']")
        page.click("text=Compare 2 runs")
        self.wait(page, "document.querySelector('.compared svg.chart')")
        self.assertIn("Gaussian naive Bayes", page.inner_text(".compared table"))
        page.click("main a:has-text('first')")
        self.wait(page, "document.querySelector('iframe')")
        frame = page.frames[-1]
        frame.wait_for_selector("svg.chart", state="attached")
        self.assertIn("test accuracy", frame.inner_text("#result"))

    def test_curves_of_a_training_run_grow_while_it_runs(self):
        self.world.write_curves(5)
        points = "document.querySelector('.drawing')?.querySelectorAll('.dot.mark').length"
        with self.world.training():
            page = self.open("runs/network")
            self.wait(page, f"{points} === 10")
            self.world.write_curves(8)
            self.wait(page, f"{points} === 16")
            self.assertIn("Epoch 8", page.inner_text(".status"))
        self.wait(page, "document.querySelector('.status').textContent === 'Finished.'")

    def test_a_dataset_is_inspected_and_its_suspicious_clips_have_players(self):
        page = self.open("data")
        if page.locator("text=Inspect the dataset").count():
            page.click("text=Inspect the dataset")
        self.wait(page, "document.querySelector('main .figures')", 60)
        text = page.inner_text("main")
        self.assertIn("broken.wav", text)
        self.assertIn("Duplicates", text)
        page.click(".who:has-text('same.wav') .play, .who:has-text('good.wav') .play")
        self.wait(page, "!document.querySelector('.player').hidden")

    # ---- errors and empty states ----

    def test_empty_views_name_the_command_to_type(self):
        for view, command in {"library": "genrewise library scan", "runs": "genrewise serve --runs", "data": "genrewise serve --data"}.items():
            page = self.open(view, server="bare")
            self.wait(page, f"document.querySelector('main').innerText.includes('{command}')")

    def test_a_token_is_asked_for_until_it_is_right_and_read_only_hides_what_changes(self):
        page = self.open("library", server="token", expected=["401"])
        page.fill("dialog input", "open")
        page.click("dialog button")
        self.wait(page, "document.querySelector('dialog .failed')")
        page.fill("dialog input", "open sesame, please")
        page.click("dialog button")
        self.wait(page, "document.querySelectorAll('.rows .row').length > 20")
        self.assertFalse(page.is_visible("text=Scan for changes"))
        self.assertFalse(page.evaluate("document.documentElement.innerHTML.includes('sesame')"))

    def test_the_page_says_when_the_server_is_gone_and_goes_on_when_it_is_back(self):
        server = self.servers["bare"]
        page = self.open("music", server="bare", expected=["ERR_CONNECTION", "Failed to load"])
        server.stop()
        page.evaluate("location.hash = '#runs'")
        self.wait(page, "!document.querySelector('.banner').hidden")
        self.assertIn("genrewise serve", page.inner_text(".banner"))
        server.start()
        self.wait(page, "document.querySelector('.banner').hidden && "
                  "document.querySelector('main').innerText.includes('There are no runs yet')", 30)

    # ---- everywhere ----

    def test_axe_finds_nothing_serious(self):
        for scheme in ("light", "dark"):
            for view in VIEWS:
                page = self.open(view, color_scheme=scheme)
                page.wait_for_timeout(600)
                self.assert_accessible(page, f"{view}, {scheme}")
                page.close()
            page = self.open("library", color_scheme=scheme)
            self.select(page, "Tones 01.wav")
            self.wait(page, "document.querySelector('.timeline .area') && document.querySelector('.similar li')")
            page.click(".pane .play >> nth=0")
            page.click("text=Playlist…")
            self.assert_accessible(page, f"a track and the playlist, {scheme}")
            page.close()

    def test_nothing_is_wider_than_a_phone(self):
        for view in VIEWS:
            page = self.open(view, width=360)
            page.wait_for_timeout(400)
            self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), 360, view)
            out = page.evaluate(
                """() => [...document.querySelectorAll('header *, main *')].filter(each =>
                each.getBoundingClientRect().right > 361 && !each.closest('.wide, .drawing, .unseen, .sheet')).map(each =>
                each.outerHTML.slice(0, 100))"""
            )
            self.assertEqual(out, [], view)
            page.close()
        page = self.open("library", width=360)
        page.click(".rows .row >> nth=0")
        self.wait(page, "document.querySelector('.pane.open h2')")
        page.keyboard.press("Escape")
        self.assertFalse(page.is_visible(".pane"))

    def test_all_texts_are_in_one_module(self):
        web = Path(__file__).resolve().parents[2] / "web" / "app"
        for module in web.glob("*.js"):
            if module.name == "text.js":
                continue
            found = re.findall(r'"([A-Z][a-z]+ [a-z ]{6,})"', module.read_text())
            self.assertEqual(found, [], module.name)


if __name__ == "__main__":
    unittest.main()
