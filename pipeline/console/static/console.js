// What makes the pages pleasanter; all of them can be read without it. No data leaves the page.
(() => {
  "use strict";
  const colour = (element, name) => {
    const probe = element.appendChild(document.createElement("i"));
    probe.className = name;
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const two = (number) => String(number).padStart(2, "0");

  // Numbers, as the server writes them.
  function figure(metric, value) {
    if (value === null || value === undefined) return "–";
    if (metric === "bounce_rate") return `${Math.round(value * 100)} %`;
    if (metric === "views_per_visit") return value.toFixed(2);
    if (metric === "visit_duration") {
      const whole = Math.round(value);
      return whole < 60 ? `${whole}s` : `${Math.floor(whole / 60)}m ${two(whole % 60)}s`;
    }
    return Math.round(value).toLocaleString("en");
  }
  const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  const weekdays = "Sun Mon Tue Wed Thu Fri Sat".split(" ");
  // What the site's clock shows comes marked as UTC, and is shown as it comes.
  function moment(seconds, unit, zone) {
    const at = new Date(seconds * 1000);
    const day = `${at.getUTCDate()} ${months[at.getUTCMonth()]}`;
    if (unit === "hour") return `${weekdays[at.getUTCDay()]} ${day}, ${two(at.getUTCHours())}:00 ${zone}`;
    if (unit === "month") return `${months[at.getUTCMonth()]} ${at.getUTCFullYear()}`;
    return unit === "week" ? `Week of ${day}` : `${weekdays[at.getUTCDay()]} ${day} ${at.getUTCFullYear()}`;
  }
  const gone = { withheld: "withheld", expired: "expired", not_yet_closed: "not yet closed" };

  // The line over time.
  function draw(holder) {
    const data = JSON.parse(holder.dataset.chart);
    holder.replaceChildren();
    const ink = colour(holder, "ink-accent"), soft = colour(holder, "ink-soft"), line = colour(holder, "ink-line");
    const fill = colour(holder, "ink-fill");
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    const show = (plot) => {
      const index = plot.cursor.idx;
      if (index === null || index === undefined || plot.cursor.left < 0) { tip.hidden = true; return; }
      const rows = [[moment(data.at[index], data.unit, data.zone), data.now[index], gone[data.states[index]], "now"]];
      if (data.before) rows.push(["The period before", data.before[index], undefined, "before"]);
      tip.replaceChildren(...rows.map(([told, value, state, kind]) => {
        const row = document.createElement("p");
        row.className = kind;
        const what = row.appendChild(document.createElement("span"));
        what.textContent = told;
        const number = row.appendChild(document.createElement("strong"));
        number.textContent = state || figure(data.metric, value);
        return row;
      }));
      tip.hidden = false;
      const over = plot.over.offsetLeft, left = over + plot.cursor.left;
      const room = holder.clientWidth - tip.offsetWidth - 8;
      tip.style.left = `${Math.max(4, Math.min(left + 14, room))}px`;
      if (left + 14 > room) tip.style.left = `${Math.max(4, left - tip.offsetWidth - 14)}px`;
    };
    const font = `12px ${getComputedStyle(holder).fontFamily}`;
    const points = data.at.length;
    const series = [
      {},
      {
        stroke: ink, width: 2.25, fill, spanGaps: false,
        points: { show: points < 40, size: 5, fill: ink },
      },
    ];
    const values = [data.at, data.now];
    if (data.before) {
      series.push({ stroke: soft, width: 1.5, dash: [5, 5], points: { show: false } });
      values.push(data.before);
    }
    const ticks = (_, found) => found.map((seconds) => {
      const at = new Date(seconds * 1000);
      if (data.unit === "hour") return `${two(at.getUTCHours())}:00`;
      if (data.unit === "month") return `${months[at.getUTCMonth()]} ${at.getUTCFullYear()}`;
      return `${at.getUTCDate()} ${months[at.getUTCMonth()]}`;
    });
    const wide = holder.clientWidth;
    const plot = new uPlot({
      width: wide, height: 250, series, legend: { show: false },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: { y: false, drag: { setScale: false }, points: { size: 9, width: 2, fill: ink } },
      scales: { y: { range: (_, __, high) => [0, high > 0 ? high * 1.08 : 1] } },
      axes: [
        { stroke: soft, font, grid: { show: false }, ticks: { show: false }, values: ticks, space: 70, gap: 6, size: 30,
          incrs: data.unit === "hour" ? undefined : [86400, 2 * 86400, 3 * 86400, 5 * 86400, 7 * 86400, 14 * 86400, 28 * 86400, 61 * 86400, 92 * 86400] },
        { stroke: soft, font, grid: { stroke: line, width: 1 }, ticks: { show: false }, size: 52, space: 48,
          values: (_, found) => found.map((value) => figure(data.metric, value)) },
      ],
      hooks: { setCursor: [show] },
    }, values, holder);
    holder.append(tip);
    plot.root.setAttribute("aria-hidden", "true");
    return plot;
  }
  const holder = document.querySelector("[data-chart]");
  if (holder && globalThis.uPlot) {
    let plot = draw(holder);
    new ResizeObserver(() => {
      if (holder.clientWidth !== plot.width) plot.setSize({ width: holder.clientWidth, height: 250 });
    }).observe(holder);
    const again = () => { plot.destroy(); plot = draw(holder); };
    document.addEventListener("theme", again);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
  }

  async function fetched(address) {
    const answer = await fetch(address, { headers: { accept: "text/html" } });
    if (!answer.ok) throw new Error("no card");
    return new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".card");
  }
  // Cards further down are asked for when they come near.
  const near = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      fetched(target.dataset.waits).then((made) => target.replaceWith(made), () => {
        target.removeAttribute("data-waits");
        const said = target.querySelector(".none") ?? target.appendChild(document.createElement("p"));
        said.textContent = "This did not come. Load the page again.";
      });
    }
  }, { rootMargin: "500px" });
  for (const card of document.querySelectorAll("[data-waits]")) near.observe(card);

  // What is of this half hour is asked for again, while somebody looks at the page.
  setInterval(() => {
    if (document.hidden) return;
    for (const card of document.querySelectorAll("[data-again]")) {
      fetched(card.dataset.again).then((made) => {
        const open = card.querySelector("details")?.open, held = card.contains(document.activeElement);
        const numbers = made.querySelector("details");
        if (open && numbers) numbers.open = true;
        card.replaceWith(made);
        if (held) numbers?.querySelector("summary").focus({ preventScroll: true });
      }, () => {});
    }
  }, 30000);

  // Tabs bring their card alone, and stay in the page's address.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[data-fragment]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const card = link.closest(".card");
    card.setAttribute("aria-busy", "true");
    try {
      const made = await fetched(link.dataset.fragment);
      card.replaceWith(made);
      keep(link.href, made.id.replace("card-", ""));
      made.querySelector(".tabs [aria-current]")?.focus({ preventScroll: true });
    } catch {
      location.assign(link.href);
    }
  });
  // The address takes over this card's tab; so do the ways from every other part of the page.
  function keep(href, name) {
    const tab = new URL(href).searchParams.get(name);
    const changed = (url) => {
      if (tab) url.searchParams.set(name, tab); else url.searchParams.delete(name);
      return url;
    };
    history.replaceState(null, "", changed(new URL(location.href)));
    const inside = location.pathname.replace(/\/$/, "");
    for (const link of document.querySelectorAll("main a[href], .top a[href]")) {
      const url = new URL(link.href);
      if (!url.pathname.startsWith("/sites/") && url.pathname !== inside) continue;
      if (link.closest(".card")?.id === `card-${name}` && link.dataset.fragment) continue;
      link.href = changed(url);
      if (link.dataset.fragment) link.dataset.fragment = changed(new URL(link.dataset.fragment, location.href));
    }
    for (const card of document.querySelectorAll("[data-waits]")) {
      card.dataset.waits = changed(new URL(card.dataset.waits, location.href));
    }
    for (const field of document.querySelectorAll("form.share [name=query]")) field.value = new URL(location.href).search.slice(1);
  }

  // The map tells a country's number where the pointer is; the table beside it has the same.
  let told = null;
  document.addEventListener("pointermove", (event) => {
    const country = event.target.closest?.("[data-told]");
    if (!country) { told?.remove(); told = null; return; }
    if (!told) {
      told = document.body.appendChild(document.createElement("div"));
      told.className = "tip map-tip";
    }
    told.textContent = country.dataset.told;
    told.style.left = `${Math.min(event.pageX + 12, document.documentElement.clientWidth - told.offsetWidth - 4)}px`;
    told.style.top = `${event.pageY + 14}px`;
  });
  document.addEventListener("click", (event) => {
    const country = event.target.closest?.("[data-href]");
    if (country) location.assign(country.dataset.href);
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });

  const copy = document.querySelector("[data-copy]");
  if (copy && navigator.clipboard) {
    copy.hidden = false;
    copy.addEventListener("click", async () => {
      const link = document.querySelector("[data-copied]");
      try { await navigator.clipboard.writeText(link.value); copy.textContent = "Copied"; } catch { link.select(); }
    });
  }
})();
