#!/usr/bin/env python3
"""Opens the reports of made-up studies and searches in a browser and checks what a reader would see.

page_test.py build/dev/bin/render_page        (exit code 77: Playwright, axe-core or Chromium is not installed)
"""

import copy
import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import documents
from browser import BrowserTest

RENDER = sys.argv.pop(1)
FOLDER = tempfile.TemporaryDirectory()
DOCUMENTS = {
    "study": documents.study(),
    "nasty": documents.study(documents.NASTY, 25),
    "minimal": documents.minimal(),
    "search": documents.search(),
    "huge": documents.study([f"Genre number {i}" for i in range(200)], 50),
}
DOCUMENTS["failed"] = {**copy.deepcopy(DOCUMENTS["minimal"]), "best": None, "models": DOCUMENTS["study"]["models"][-1:]}


def page_file(name):
    page = Path(FOLDER.name) / f"{name}.html"
    if not page.exists():
        document = page.with_suffix(".json")
        document.write_text(json.dumps(DOCUMENTS[name]))
        subprocess.run([RENDER, document, page], check=True)
    return page


class PageTest(BrowserTest):
    def open(self, name, width=1300, **options):
        """Opens a page; console errors and requests fail the test at its end."""
        file = page_file(name).as_uri()
        page = self.new_page(lambda url: url == file, width, **options)
        page.goto(file)
        if options.get("java_script_enabled", True):
            self.wait(
                page,
                "document.querySelector('main') && !document.querySelector('.drawing:empty')",
            )
        return page

    def column(self, page, table, index):
        return page.eval_on_selector_all(
            f"{table} tbody tr", "(rows, i) => rows.map(row => row.children[i].innerText.trim())", index
        )

    def test_every_member_has_its_section_and_absent_ones_leave_none(self):
        whole = self.open("study").eval_on_selector_all("section", "all => all.map(each => each.id)")
        self.assertEqual(
            whole,
            [
                "result",
                "models",
                "pairs",
                "published",
                "splits",
                "genres",
                "confusion",
                "curves",
                "calibration",
                "mistakes",
                "artists",
                "training",
                "why",
                "ablation",
                "choices",
                "components",
                "cost",
                "exploration",
                "data",
                "made",
            ],
        )
        self.assertEqual(
            self.open("minimal").eval_on_selector_all("section", "all => all.map(each => each.id)"),
            ["result", "models", "genres", "confusion", "cost", "data", "made"],
        )
        for name in DOCUMENTS:
            self.assertNotIn("cannot be drawn", self.open(name).inner_text("main"), name)

    def test_every_figure_is_drawn_and_has_a_name(self):
        for name in ("study", "search", "huge"):
            page = self.open(name)
            charts = page.eval_on_selector_all(
                "svg.chart",
                """all => all.map(each =>
                    [each.getAttribute('aria-label'), each.querySelectorAll('path, rect, circle, image').length])""",
            )
            self.assertGreaterEqual(len(charts), 4)
            for label, marks in charts:
                self.assertTrue(label)
                self.assertGreater(marks, 0, label)
        images = self.open("study").eval_on_selector_all(
            "#exploration image", "all => all.map(each => each.getAttribute('href').slice(0, 22))"
        )
        self.assertEqual(images, ["data:image/png;base64,"] * 16)

    def test_the_headline_states_the_result_and_the_interval_to_read(self):
        text = self.open("study").inner_text("#result")
        best = next(model for model in DOCUMENTS["study"]["models"] if model["name"] == DOCUMENTS["study"]["best"])
        over = best["accuracy_over_groups"]
        self.assertIn(f"{100 * best['accuracy']['value']:.1f} %", text)
        self.assertIn(f"{100 * over['low']:.1f} – {100 * over['high']:.1f} %", text)
        self.assertIn("Read the interval over artists", text)
        self.assertIn("No model could be fitted", self.open("failed").inner_text("#result"))

    def test_tables_are_sorted_by_score_and_sort_by_any_column(self):
        page = self.open("study")
        shares = [float(text.split(" ")[0]) for text in self.column(page, ".models", 1) if text]
        self.assertEqual(shares, sorted(shares, reverse=True))
        page.click(".models th button:has-text('Log loss')")
        losses = [float(text.split("\n")[0]) for text in self.column(page, ".models", 5) if text]
        self.assertEqual(losses, sorted(losses, reverse=True))
        page.click(".models th button:has-text('Log loss')")
        losses = [float(text.split("\n")[0]) for text in self.column(page, ".models", 5) if text]
        self.assertEqual(losses, sorted(losses))
        self.assertEqual(page.get_attribute(".models th:has(button:has-text('Log loss'))", "aria-sort"), "ascending")
        page.focus(".models th button:has-text('Model')")
        page.keyboard.press("Enter")
        names = self.column(page, ".models", 0)
        self.assertEqual(names, sorted(names, key=str.casefold))

    def test_a_switched_off_model_leaves_the_figures(self):
        page = self.open("study")
        rows = "#genres svg .name"
        before = page.eval_on_selector_all(rows, "all => all.map(each => each.textContent)")
        page.uncheck("input[aria-label^='Show k nearest']")
        after = page.eval_on_selector_all(rows, "all => all.map(each => each.textContent)")
        self.assertEqual([name for name in before if name not in after], ["knn"])
        self.assertNotIn("k nearest", page.inner_text("#confusion .small-charts"))
        page.check("input[aria-label^='Show k nearest']")
        self.assertEqual(page.eval_on_selector_all(rows, "all => all.map(each => each.textContent)"), before)

    def test_the_selected_model_is_the_same_in_all_sections(self):
        page = self.open("study")
        page.select_option("#confusion select.model", "gnb")
        for section in ("genres", "confusion", "curves", "calibration", "mistakes", "artists"):
            self.assertIn("Gaussian naive Bayes", page.inner_text(f"#{section} .live"), section)
        matrix = next(model for model in DOCUMENTS["study"]["models"] if model["name"] == "gnb")["confusion"]
        shown = page.eval_on_selector_all(
            "#confusion .columns figure:first-child .count", "all => all.map(each => Number(each.textContent))"
        )
        self.assertEqual(sum(shown), sum(map(sum, matrix)))

    def test_arrow_keys_read_the_values_of_a_focused_chart(self):
        page = self.open("study")
        page.focus("#confusion .columns svg.chart")
        page.keyboard.press("ArrowRight")
        self.assertRegex(page.inner_text(".tooltip"), r"predicted as .*: \d+ of 100")
        first = page.inner_text(".tooltip")
        page.keyboard.press("ArrowRight")
        self.assertNotEqual(page.inner_text(".tooltip"), first)
        page.keyboard.press("Escape")
        self.assertFalse(page.is_visible(".tooltip"))

    def test_every_figure_has_its_numbers_as_a_table(self):
        page = self.open("study")
        page.click("#genres summary")
        f1 = DOCUMENTS["study"]["models"][0]["genres"][0]
        self.assertIn(f1["genre"], page.inner_text("#genres details"))
        self.assertEqual(page.locator("#genres details tbody tr").count(), len(documents.GENRES))

    def test_figures_are_saved_as_svg_and_png(self):
        for name, section in (("study", "confusion"), ("study", "exploration"), ("huge", "confusion")):
            page = self.open(name)
            for kind, start in (("SVG", b"<svg"), ("PNG", b"\x89PNG")):
                with page.expect_download() as download:
                    page.locator(f"#{section} button", has_text=kind).first.click()
                content = Path(download.value.path()).read_bytes()
                self.assertTrue(content.startswith(start), download.value.suggested_filename)
                self.assertGreater(len(content), 5000)
                self.assertRegex(download.value.suggested_filename, rf"^[\w-]+\.{kind.lower()}$")

    def test_texts_of_the_document_are_text(self):
        page = self.open("nasty")
        self.assertEqual(page.locator("main script, main b b, main i").count(), 0)
        genres = page.eval_on_selector_all("#data .table tbody th", "all => all.map(each => each.textContent)")
        self.assertEqual(genres[: len(documents.NASTY)], documents.NASTY)
        self.assertIn("Network that <i>diverged</i>", page.inner_text("#models"))
        self.assertIn("svm: <did> not converge", self.open("search").text_content("#points"))

    def test_only_local_files_have_players(self):
        page = self.open("study")
        self.assertEqual(page.get_attribute("#mistakes audio", "src"), "file:///music/000/100000%20%231.mp3")
        self.assertEqual(page.get_attribute("#mistakes audio", "preload"), "none")
        remote = json.dumps(DOCUMENTS["study"]).replace('"/music/', '"s3://bucket/')
        DOCUMENTS["remote"] = json.loads(remote)
        self.assertEqual(self.open("remote").locator("audio").count(), 0)

    def test_axe_finds_nothing_serious(self):
        for name in ("study", "nasty", "search", "minimal"):
            for scheme in ("light", "dark"):
                self.assert_accessible(self.open(name, color_scheme=scheme), f"{name}, {scheme}")

    def test_nothing_is_wider_than_a_phone(self):
        for name in DOCUMENTS:
            page = self.open(name, width=360)
            self.assertLessEqual(page.evaluate("document.documentElement.scrollWidth"), 360, name)
            # Tables and charts that are wider scroll within the page.
            out = page.evaluate(
                """() => [...document.querySelectorAll('main *')].filter(each =>
                each.getBoundingClientRect().right > 361 &&
                !each.closest('.wide, .drawing, .tooltip')).map(each => each.outerHTML.slice(0, 100))"""
            )
            self.assertEqual(out, [], name)

    def test_print_shows_all_rows_in_light_colours(self):
        page = self.open("study", color_scheme="dark")
        visible = "[...document.querySelectorAll('#pairs tbody tr')].filter(row => row.offsetHeight > 0).length"
        self.assertEqual(page.evaluate(visible), 15)
        page.emulate_media(media="print", color_scheme="dark")
        self.wait(page, "document.documentElement.classList.contains('printing')")
        self.assertEqual(page.evaluate(visible), len(DOCUMENTS["study"]["pairs"]))
        self.assertEqual(
            page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--paper').trim()"), "#ffffff"
        )
        self.assertFalse(page.is_visible("nav"))

    def test_the_settings_of_a_search_are_printed_on_few_pages(self):
        page = self.open("search")
        pdf = page.pdf(prefer_css_page_size=True)
        self.assertLessEqual(len(re.findall(rb"/Type\s*/Page\b", pdf)), 4)

    def test_without_javascript_the_page_says_how_to_see_the_results(self):
        text = self.open("study", java_script_enabled=False).inner_text("noscript")
        self.assertIn("JavaScript", text)
        self.assertIn("genrewise report", text)

    def test_many_genres_and_clips_make_a_light_page(self):
        self.assertLess(page_file("huge").stat().st_size, 8_000_000)
        self.assertLess(self.open("huge").evaluate("document.querySelectorAll('*').length"), 60_000)


if __name__ == "__main__":
    unittest.main()
