// Sends the one form that carries a response; without script the person presses Continue.
const form = document.querySelector("form[data-sends-itself]");
if (form) form.requestSubmit();

// The practice app's page looks every half second whether its session still lives, and shows what became of it.
const watching = document.querySelector("[data-watches]");
if (watching) {
  const timer = setInterval(async () => {
    const answer = await fetch(watching.dataset.watches).catch(() => null);
    if (answer?.ok && !(await answer.json()).signed_in && !going) location.reload();
  }, 500);
  // A form is on its way elsewhere: a reload would call it back.
  let going = false;
  addEventListener("submit", () => {
    going = true;
    clearInterval(timer);
  });
}
