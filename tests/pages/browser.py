"""Pages in Chromium: what the tests of the report and of the server's page share. Exits with 77 where something lacks."""

import os
import sys
import unittest

CHROMIUM = os.environ.get("GENREWISE_CHROMIUM", "/usr/bin/chromium")
try:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)
if not os.path.exists(CHROMIUM):
    print(f"skipped: {CHROMIUM} does not exist")
    sys.exit(77)


class BrowserTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.playwright = sync_playwright().start()
        cls.browser = cls.playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])

    @classmethod
    def tearDownClass(cls):
        cls.browser.close()
        cls.playwright.stop()

    def new_page(self, allowed, width=1300, expected=(), **options):
        """A page; console errors without a text of `expected` and requests that are not allowed fail the test."""
        page = self.browser.new_page(viewport={"width": width, "height": 900}, **options)
        self.addCleanup(page.close)
        problems = []

        def note(text):
            if not any(each in text for each in expected):
                problems.append(text)

        page.on("console", lambda message: message.type in ("error", "warning") and note(message.text))
        page.on("pageerror", lambda error: note(str(error)))
        page.on("request", lambda request: request.url.startswith("data:") or allowed(request.url) or note(request.url))
        self.addCleanup(lambda: self.assertEqual(problems, []))
        return page

    def wait(self, page, condition, seconds=20):
        """Playwright's own waiting evaluates text within the page, which the page's content security policy forbids."""
        for _ in range(10 * seconds):
            if page.evaluate(condition):
                return
            page.wait_for_timeout(100)
        self.fail(f"{condition} does not become true; the page says: {page.inner_text('body')[:300]}")

    def assert_accessible(self, page, name):
        found = Axe().run(page).response["violations"]
        serious = [
            (each["id"], each["nodes"][0]["html"][:150])
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
        self.assertEqual(serious, [], name)
