// What the console does beyond plain pages: live rows, shortcuts, local time. Pages work without it.
'use strict';
(() => {
  const find = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const two = (number) => String(number).padStart(2, '0');

  // Instants: the server's local time becomes the browser's, which differs if they are on different machines.
  function zoneOf(date) {
    const offset = -Math.round(date.getTimezoneOffset() * 60); // Offsets of long ago have seconds.
    const [hours, minutes, seconds] = [3600, 60, 1].map((unit) => two(Math.floor(Math.abs(offset) / unit) % 60));
    return `${offset < 0 ? '-' : '+'}${hours}${minutes}${seconds === '00' ? '' : seconds}`;
  }

  function localize(root) {
    for (const time of all('time[datetime]', root)) {
      const date = new Date(time.dateTime);
      const zone = zoneOf(date);
      const shown = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} `
        + `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone}`;
      if (!Number.isNaN(date.valueOf()) && time.textContent !== shown) time.textContent = shown;
    }
  }

  // So are those in forms, if they have no offset.
  document.addEventListener('formdata', (event) => {
    for (const { name, value } of all('[data-instant]', event.target)) {
      const [, day, time = '00:00'] = value.trim().match(/^(\d{4}-\d\d-\d\d)(?:[ T](\d\d:\d\d[\d:.]*))?$/) || [];
      const date = new Date(`${day}T${time}`);
      if (!Number.isNaN(date.valueOf())) event.formData.set(name, `${day} ${time}${zoneOf(date)}`);
    }
  });

  // The live journal.
  let source = null;
  let position = null; // the id of the last event
  let say = () => {};
  let paused = false;
  let waiting = [];
  let unannounced = 0;

  function connect() {
    position = null;
    waiting = []; // The page holds them, or the journal was emptied.
    const results = find('#results[data-stream]');
    if (results) {
      const live = find('[data-live]', results);
      live.textContent = '';
      const message = document.createElement('span');
      const button = document.createElement('button');
      button.type = 'button';
      button.dataset.pause = '';
      button.textContent = paused ? 'Resume' : 'Pause';
      button.addEventListener('click', pause);
      live.append(message, button);
      say = (text) => { message.textContent = text; };
      say(paused ? 'Paused' : 'Live');
      results.addEventListener('console:announce', () => {
        if (unannounced) say(`Live, ${unannounced} new`);
        unannounced = 0;
      });
    }
    listen();
  }

  // A browser opens six connections to a server at most, so only a visible page keeps one open.
  function listen() {
    if (source) source.close();
    source = null;
    const results = find('#results[data-stream]');
    if (!results || document.hidden) return;
    const stream = new URL(results.dataset.stream, window.location.href);
    if (position) stream.searchParams.set('after', position);
    source = new EventSource(stream);
    source.addEventListener('open', () => say(paused ? 'Paused' : 'Live'));
    source.addEventListener('error', () => say('Connection lost. Reconnecting…'));
    source.addEventListener('restart', () => refresh(results));
    source.addEventListener('rows', (event) => {
      position = event.lastEventId;
      if (paused) {
        waiting.push(event.data);
        if (waiting.length > 50) waiting.shift();
        say(`Paused, new requests are waiting`);
      } else {
        unannounced += insert(event.data);
      }
    });
  }

  // A screen reader hears one sentence every few seconds, not one for each row.
  setInterval(() => find('#results[data-stream]')?.dispatchEvent(new Event('console:announce')), 3000);

  function insert(html) {
    const body = find('[data-rows]');
    if (!body) return 0;
    const template = document.createElement('template');
    template.innerHTML = `<table><tbody>${html}</tbody></table>`;
    const rows = all('tr', template.content).filter((row) => !document.getElementById(row.id));
    localize(template.content);
    for (const row of rows) row.classList.add('new');
    body.prepend(...rows);
    find('[data-empty]')?.remove();
    const most = Number(find('#results').dataset.pageSize);
    const listed = all('tr', body);
    if (listed.length >= most) {
      const older = find('#results [rel=next]');
      const address = new URL(older.href);
      address.searchParams.set('before', listed[most - 1].id.replace('row-', ''));
      older.href = address;
      older.hidden = false;
    }
    for (const row of listed.slice(most)) {
      if (!find('input:checked', row) && !row.contains(document.activeElement)) row.remove();
    }
    return rows.length;
  }

  function pause() {
    paused = !paused;
    const button = find('[data-pause]');
    if (!button) return;
    button.textContent = paused ? 'Resume' : 'Pause';
    button.previousSibling.textContent = paused ? 'Paused' : 'Live';
    if (!paused) {
      for (const html of waiting) unannounced += insert(html);
      waiting = [];
    }
  }

  function refresh(results) {
    if (source) source.close();
    window.htmx.ajax('GET', window.location.pathname + window.location.search,
      { source: results, target: '#results', select: '#results', swap: 'outerHTML' });
  }

  // Shortcuts.
  const places = Object.fromEntries(all('[data-key]').map((each) => [each.dataset.key, each.href]));
  let going = false;

  function move(step) {
    const links = all('[data-row]');
    if (!links.length) return;
    const current = links.indexOf(document.activeElement?.closest('tr')?.querySelector('[data-row]'));
    const next = current < 0 ? (step > 0 ? 0 : links.length - 1) : current + step;
    links[Math.max(0, Math.min(next, links.length - 1))].focus();
  }

  function back() {
    const up = document.body.dataset.up;
    if (!up) return;
    const before = document.referrer && new URL(document.referrer);
    const target = new URL(up, window.location.href);
    // Back keeps the filters and the scroll position, if this page was opened from the list.
    if (before && [target.pathname, '/console'].includes(before.pathname) && window.history.length > 1) {
      sessionStorage.setItem('row', target.hash);
      window.history.back();
    } else {
      window.location.assign(up);
    }
  }

  const actions = {
    '?': () => find('#shortcuts')?.showModal(),
    '/': () => { const field = find('[data-search]'); field?.focus(); field?.select?.(); },
    g: () => { going = true; setTimeout(() => { going = false; }, 1500); },
    j: () => move(1),
    k: () => move(-1),
    p: pause,
    x: () => document.activeElement?.closest('tr')?.querySelector('input[type=checkbox]')?.click(),
    Escape: back,
  };

  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (find('dialog[open]')) return;
    const typing = event.target.closest?.('input:not([type=checkbox]):not([type=radio]), select, textarea');
    if (typing) {
      if (event.key === 'Escape') {
        typing.blur();
        event.preventDefault(); // Firefox would empty the field.
      }
      return;
    }
    if (going && places[event.key]) {
      event.preventDefault();
      window.location.assign(places[event.key]);
      return;
    }
    const action = actions[event.key];
    if (action) {
      event.preventDefault();
      action();
    }
  });

  document.addEventListener('click', (event) => {
    const shortcuts = event.target.closest?.('[data-shortcuts]');
    if (shortcuts && find('#shortcuts')) {
      event.preventDefault();
      find('#shortcuts').showModal();
    }
    const copy = event.target.closest?.('[data-copy]');
    if (copy) {
      const code = find(copy.dataset.copy);
      navigator.clipboard.writeText(code.textContent).then(() => { copy.textContent = 'Copied'; }, () => {
        window.getSelection().selectAllChildren(code);
        copy.textContent = 'Selected, as the browser denies copying';
      });
    }
  });

  // A second click on a button whose request is under way would repeat its action. No event of Firefox and Safari
  // reports that loading was stopped, so a click later than a double click asks.
  let sent = null;
  let isAgain = false;
  const allowSending = () => { sent = null; };
  document.addEventListener('submit', (event) => {
    if (event.target.getAttribute('method') !== 'post') return;
    const isFirst = sent === null;
    if (isFirst || (event.timeStamp - sent > 1000 && window.confirm('The last action has no response yet. Send it again?'))) {
      sent = event.timeStamp;
      isAgain = !isFirst;
    } else {
      event.preventDefault();
    }
  });
  window.navigation?.addEventListener('navigateerror', () => {
    if (!isAgain) allowSending(); // Loading was stopped. Sending again stops it too, but is under way itself.
    isAgain = false;
  });
  window.addEventListener('pageshow', allowSending);

  function focusRow() {
    const hash = sessionStorage.getItem('row') || (window.location.hash.startsWith('#row-') && window.location.hash);
    sessionStorage.removeItem('row');
    if (hash) document.getElementById(hash.slice(1))?.querySelector('[data-row]')?.focus();
  }

  document.addEventListener('htmx:after:swap', () => {
    localize(document);
    if (!find('#results[data-connected]')) start();
    // Safari resets fields when Back shows the page that it kept, whose rows stay filtered.
    for (const field of all('.filters input')) field.defaultValue = field.value;
  });

  document.addEventListener('htmx:error', () => {
    find('#results > [role=alert]')?.remove();
    const problem = document.createElement('p');
    problem.className = 'problem';
    problem.role = 'alert';
    problem.textContent = 'The sandbox did not respond, so these are the rows for the fields before.';
    find('#results')?.prepend(problem);
  });

  function start() {
    const results = find('#results');
    if (results) results.dataset.connected = '';
    connect();
  }

  // Only pages of this machine and those of HTTPS have a clipboard.
  for (const button of all('[data-copy]')) button.hidden = !navigator.clipboard;
  localize(document);
  start();
  focusRow();
  window.addEventListener('pageshow', focusRow);
  document.addEventListener('visibilitychange', listen);
  window.addEventListener('pageshow', (event) => { if (event.persisted) listen(); });
  window.addEventListener('pagehide', () => source?.close());
})();
