"""Chromium without a window, as Debian has it, and what it did while a page was open."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needed = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="needs the Debian packages chromium, chromium-driver"
    ),
]
WIDE, NARROW = 1280, 375


class Browser:
    """A page that was opened, and what its browser did meanwhile."""

    def __init__(self, folder: Path) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.options import Options
        from selenium.webdriver.chrome.service import Service

        options = Options()
        options.binary_location = str(CHROMIUM)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        for option in (
            *("headless=new", "no-sandbox", "disable-background-networking", "disable-gpu"),
            *("disable-component-update", "no-first-run", "hide-scrollbars"),
            f"user-data-dir={folder / 'profile'}",
        ):
            options.add_argument(f"--{option}")
        self.driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
        self._own = folder / "page.html"
        self._page = self._own

    def open(self, page: str, width: int = WIDE) -> None:
        """Open the text of a page."""
        self._own.write_text(page, encoding="utf-8")
        self.visit(self._own, width)

    def visit(self, page: Path, width: int = WIDE, fragment: str = "") -> None:
        """Open a file."""
        self._page = page
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        self.driver.get(page.as_uri() + fragment)

    def do(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def press(self, selector: str, key: str) -> None:
        from selenium.webdriver.common.by import By

        self.driver.find_element(By.CSS_SELECTOR, selector).send_keys(key)

    def click(self, selector: str) -> None:
        from selenium.webdriver.common.by import By

        element = self.driver.find_element(By.CSS_SELECTOR, selector)
        self.do("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def requests(self) -> list[str]:
        """What the page asked for since the last call, and was not stopped by its own policy."""
        logged = [
            json.loads(event["message"])["message"] for event in self.driver.get_log("performance")
        ]
        stopped = {
            event["params"]["requestId"]
            for event in logged
            if event["method"] == "Network.loadingFailed"
            and event["params"].get("blockedReason") == "csp"
        }
        sent = [
            event["params"] for event in logged if event["method"] == "Network.requestWillBeSent"
        ]
        own = self._page.as_uri()
        return [
            event["request"]["url"]
            for event in sent
            # The browser's own first page asks for much.
            if event["documentURL"].partition("#")[0] == own
            and event["request"]["url"].partition("#")[0] not in (own, "data:,")
            and event["requestId"] not in stopped
        ]

    def complaints(self) -> list[str]:
        return [event["message"] for event in self.driver.get_log("browser")]
