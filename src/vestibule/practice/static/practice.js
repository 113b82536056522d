// Sends the one form that carries a response; without script the person presses Continue.
const form = document.querySelector("form[data-sends-itself]");
if (form) form.requestSubmit();
