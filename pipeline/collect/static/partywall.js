// Partywall: sends what happens in a widget to a collector.
// No cookie, no identifier, no fingerprint. It stores one thing, and only for who calls
// partywall.optOut(): that he did. A page's query and fragment never leave the browser.
(function (win, doc, nav) {
  "use strict";
  var script = doc.currentScript, set = script.dataset, FLAG = "partywall-opt-out";
  var to = new URL("/v1/events", set.collector || script.src);
  var queue = [], sending = null, tries = 0, timer = 0, out = false;
  to.searchParams.set("site", set.site);

  // Silent for who opted out, and for who sends a signal, unless the collector is to decide.
  function silent() {
    try { out = out || localStorage.getItem(FLAG) === "1"; } catch (e) { /* no storage */ }
    return out || (set.signals !== "collector" &&
      (nav.globalPrivacyControl || nav.doNotTrack === "1"));
  }

  // Pages of this host by path, others by origin.
  function referrer() {
    if (!doc.referrer) return null;
    var from = new URL(doc.referrer);
    return from.origin + (from.host === location.host ? from.pathname : "/");
  }

  function partywall(name, fields) {
    if (silent()) return;
    if (queue.length > 199) queue.shift();
    queue.push(Object.assign({
      time: Date.now(),
      page: location.origin + location.pathname,
      referrer: referrer(),
      locale: nav.language,
      screen: innerWidth < 768 ? "small" : innerWidth < 1280 ? "medium" : "large",
      widget_version: set.version
    }, fields, { event: name, v: 1 }));
    if (queue.length > 19) flush();
    else wait();
  }

  function wait() { timer = timer || setTimeout(flush, 5000); }

  // The name tells a batch sent twice from two batches; it is random, and new for each.
  function pack() {
    var batch = crypto.getRandomValues(new Uint32Array(4)).join("-"), most = 40, text;
    do {
      most >>= 1;
      text = JSON.stringify({ batch: batch, events: queue.slice(0, most) });
    } while (text.length > 2e4 && most > 1); // a beacon has 64 KiB at most
    queue.splice(0, most);
    return text;
  }

  function flush() {
    clearTimeout(timer);
    timer = 0;
    if (silent()) queue = [];
    if (sending || !queue.length) return;
    sending = pack();
    send(sending);
  }

  function post(text, leaving) {
    return fetch(to, {
      method: "POST", body: text, credentials: "omit", referrerPolicy: "no-referrer",
      keepalive: leaving
    });
  }

  function send(text) {
    if (silent()) { sending = null; return; }
    post(text).then(function (answer) {
      return answer.status > 499 || answer.status === 429 || answer.status === 408;
    }, function () { return true; }).then(function (again) {
      if (sending !== text) return; // it went another way meanwhile
      if (again && tries < 8) {
        var pause = Math.min(6e4, 1e3 * Math.pow(2, tries++)) * (0.5 + Math.random() / 2);
        setTimeout(function () { if (sending === text) send(text); }, pause);
        return;
      }
      sending = null;
      tries = 0;
      if (queue.length > 19) flush();
      else if (queue.length) wait();
    });
  }

  // Not by sendBeacon, which sends cookies and the address of the page along.
  function leave(text) {
    post(text, true).catch(function () {
      queue = JSON.parse(text).events.concat(queue); // no room: for when the page is back
    });
  }

  function hide() {
    if (silent()) { queue = []; sending = null; }
    if (sending) leave(sending);
    sending = null;
    while (queue.length) leave(pack());
  }

  partywall.optOut = function () {
    out = true;
    queue = [];
    sending = null;
    try { localStorage.setItem(FLAG, "1"); } catch (e) { /* for this page, then */ }
  };
  partywall.optIn = function () {
    out = false;
    try { localStorage.removeItem(FLAG); } catch (e) { /* nothing was kept */ }
  };

  // A link to another host, where the page asks for it: of its address no more than the origin.
  function follow(click) {
    var link = click.button < 2 && click.target.closest && click.target.closest("a[href]");
    if (link && link.host !== location.host && /^https?:$/.test(link.protocol)) {
      partywall("outbound", { target: link.origin + "/" });
    }
  }

  if ("outbound" in set) {
    doc.addEventListener("click", follow, true);
    doc.addEventListener("auxclick", follow, true);
  }
  doc.addEventListener("visibilitychange", function () {
    if (doc.visibilityState === "hidden") hide();
  });
  win.addEventListener("pagehide", hide);
  var early = (win.partywall || {}).q || [];
  win.partywall = partywall;
  partywall("loaded");
  early.forEach(function (call) { partywall.apply(null, call); });
})(window, document, navigator);
