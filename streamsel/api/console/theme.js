/** Light or dark as the reader chose, before anything is painted; as the system has it, if they did not. */

const chosen = localStorage.getItem("streamsel.theme");
if (chosen) document.documentElement.dataset.theme = chosen;
