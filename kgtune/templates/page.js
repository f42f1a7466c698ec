"use strict";
(() => {
  const speak = (language) => {
    document.documentElement.lang = language;
    for (const button of document.querySelectorAll("[data-language]")) {
      button.setAttribute("aria-pressed", String(button.dataset.language === language));
    }
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-language]");
    if (button) speak(button.dataset.language);
  });
  speak(navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
})();
