"""A real browser without a window: Chromium, as the page of `hiveloom serve` is met by it.

with open_browser(folder) as browser:
    browser.open(served.origin)
    browser.write("hello\\n")
    browser.wait_for_text(".answer", "hello")
"""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import pytest
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.support.patience import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selenium.webdriver.remote.webelement import WebElement

T = TypeVar("T")
_SWITCHES = (
    "--headless",
    "--no-sandbox",  # root may not have one
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1000,800",
)
# What the page's policy stopped, kept by the browser itself before any script of the page runs.
_WATCH = """
window.violations = [];
addEventListener("securitypolicyviolation",
                 (event) => violations.push(event.effectiveDirective));
"""


class Browser:
    """One tab, as far as the tests look at it; elements are named by their selectors."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def open(self, url: str) -> None:
        self.driver.get(url)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def find_all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def read(self, selector: str) -> str:
        """Return what can be seen of an element's text; "" where there is none."""
        return " ".join(one.text for one in self.find_all(selector))

    def wait_until(self, holds: Callable[[], T | Literal[False]], what: str) -> T:
        """Wait for something true, and return it.

        The page may put new elements in the place of old ones between any two steps: `holds` has to
        find those that it looks at, and is asked again where they were replaced meanwhile.
        """
        replaced = [StaleElementReferenceException]
        wait = WebDriverWait(self.driver, PATIENCE_S, 0.05, ignored_exceptions=replaced)
        return wait.until(lambda _: holds(), what)

    def wait_for(self, selector: str) -> WebElement:
        """Wait until an element can be seen."""
        return self.wait_until(lambda: self._find_shown(selector), f"{selector} was never seen")

    def wait_for_text(self, selector: str, text: str) -> None:
        self.wait_until(lambda: text in self.read(selector), f"{text!r} never came")

    def is_shown(self, selector: str) -> bool:
        return bool(self._find_shown(selector))

    def _find_shown(self, selector: str) -> WebElement | Literal[False]:
        return next((one for one in self.find_all(selector) if one.is_displayed()), False)

    def click(self, selector: str) -> None:
        self.wait_until(lambda: self._click(selector), f"{selector} was never seen")

    def _click(self, selector: str) -> bool:
        found = self._find_shown(selector)
        if found:
            found.click()
        return bool(found)

    def write(self, text: str) -> None:
        """Type a message into its field; a line's end is Enter."""
        self.wait_until(lambda: self.find("#send").is_enabled(), "no agent could be asked")
        self.find("#text").send_keys(text.replace("\n", Keys.ENTER))

    def press(self, *keys: str) -> None:
        """Press keys where the focus is."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def run(self, script: str, *args: Any) -> Any:
        """Run a script in the page, as the browser's own tools do; it may `return` something."""
        return self.driver.execute_script(script, *args)

    def run_later(self, script: str, *args: Any) -> Any:
        """Run a script that hands its outcome to the last of its `arguments`."""
        return self.driver.execute_async_script(script, *args)

    def ask_tools(self, command: str, **parameters: Any) -> Any:
        """Send a command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(command, parameters)

    def read_violations(self) -> list[str]:
        """Return the parts of the page's policy that something ran into."""
        return list(self.run("return violations"))

    def take_errors(self) -> list[str]:
        """Return the errors of the console since the last time."""
        log: Any = self.driver.get_log("browser")  # type: ignore[no-untyped-call]
        return [entry["message"] for entry in log if entry["level"] == "SEVERE"]

    def take_requests(self) -> list[str]:
        """Return the addresses that were asked for since the last time."""
        log: Any = self.driver.get_log("performance")  # type: ignore[no-untyped-call]
        messages = [json.loads(entry["message"])["message"] for entry in log]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]


@contextmanager
def open_browser(folder: Path) -> Iterator[Browser]:
    """Start Chromium with a new profile in `folder`; skip the test where it is not installed."""
    places = [shutil.which(name) for name in ("chromium", "chromedriver")]
    if not all(places):
        pytest.skip("chromium and chromedriver are not installed: run make system-deps")
    options = ChromeOptions()
    options.binary_location = str(places[0])
    for switch in (*_SWITCHES, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options=options, service=Service(places[1]))
    try:
        driver.set_script_timeout(PATIENCE_S)
        browser = Browser(driver)
        browser.ask_tools("Page.addScriptToEvaluateOnNewDocument", source=_WATCH)
        yield browser
    finally:
        driver.quit()
