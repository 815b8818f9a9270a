"use strict";
// Saving: to the folder where the workflow reads it when `make curate` serves the page, else as a download.

class Saver {
  constructor(decisions, say) {
    Object.assign(this, { decisions, say });
  }

  async save() {
    const text = this.decisions.text();
    if (window.saveCuration) await this.send(text); // served by `make curate`
    else this.download(text);
  }

  download(text) {
    const { session, plane, recipe, path } = this.decisions.given;
    const name = `${session.replace("/", "_")}_plane-${plane}_${recipe}.tsv`;
    const link = element("a", { href: URL.createObjectURL(new Blob([text], { type: "text/tab-separated-values" })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    this.decisions.wasSaved(text);
    this.tell(`Saved as ${name} in the downloads of this browser. It holds once it lies at ${path} in the project's folder:`,
      `mkdir -p ${path.replace(/\/[^/]*$/, "")} && mv ~/Downloads/${name} ${path}`,
      "Then run snakemake again. With `make curate` the pages save there by themselves.");
  }

  async send(text) {
    try {
      const told = await window.saveCuration(text);
      this.decisions.wasSaved(text);
      this.tell(told, "", "Run snakemake again: dF/F, spikes and pages of this plane, and the study page.");
    } catch (error) {
      this.tell(`Not saved: ${error.message}. Does \`make curate\` still run? What you decided is kept in this browser.`, "", "", true);
    }
  }

  tell(text, command, after, fault = false) {
    $("save-told").textContent = text;
    $("save-told").classList.toggle("fault", fault);
    $("save-command").textContent = command;
    $("save-command").hidden = !command;
    $("save-after").textContent = after;
    this.say(fault ? "not saved" : "saved");
  }
}
