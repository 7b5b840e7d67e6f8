// Lists pages as they arrive and rings for new ones. Texts come from alerts, so they are only ever set as text.
'use strict';

const state = document.getElementById('state');
const list = document.getElementById('pages');
const sound = document.getElementById('sound');
const shown = new Set();
let audio;

// Browsers let a page make a sound only after somebody has touched it.
sound.addEventListener('click', () => {
  audio ??= new AudioContext();
  const on = sound.getAttribute('aria-pressed') !== 'true';
  sound.setAttribute('aria-pressed', String(on));
  sound.textContent = on ? 'Switch off' : 'Switch on';
  if (on) beep(1);
});

function beep(times) {
  if (!audio || sound.getAttribute('aria-pressed') !== 'true') return;
  for (let i = 0; i < times; i += 1) {
    const at = audio.currentTime + i * 0.35;
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = i % 2 ? 660 : 880;
    volume.gain.setValueAtTime(0.2, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.3);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.3);
  }
}

function line(text, element = 'p') {
  const p = document.createElement(element);
  p.textContent = text;
  return p;
}

function show(ring) {
  if (shown.has(ring.id)) return;
  shown.add(ring.id);
  const { incident, page } = ring;
  const item = document.createElement('li');
  item.className = incident.severity;
  const time = new Date(ring.at).toLocaleTimeString();
  item.append(
    line(incident.title, 'strong'),
    line(`${incident.severity} · ${incident.service} · level ${page.level}`),
    line(`for ${page.recipient}: ${page.reason}`, 'small'),
    line(time),
  );
  const take = document.createElement('button');
  take.type = 'button';
  take.textContent = 'Acknowledge';
  const answer = line('');
  take.addEventListener('click', async () => {
    take.disabled = true;
    try {
      const response = await fetch('/demo/phone/acknowledge', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ incident: incident.id, user: ring.user }),
      });
      answer.textContent = response.ok ? 'You have it.' : (await response.json()).detail;
      silence(incident.id);
      take.disabled = response.status >= 500 ? false : true;
    } catch {
      answer.textContent = 'The server does not answer.';
      take.disabled = false;
    }
  });
  item.dataset.incident = incident.id;
  item.append(take, answer);
  list.prepend(item);
  if (!ring.old) {
    item.classList.add('ringing');
    setTimeout(() => item.classList.remove('ringing'), 20000);
    beep(6);
  }
}

function silence(incident) {
  for (const item of list.children) {
    if (item.dataset.incident === incident) {
      item.classList.remove('ringing');
      item.classList.add('taken');
    }
  }
}

const events = new EventSource('/demo/phone/events');
events.onopen = () => { state.textContent = 'Waiting for pages.'; };
events.onerror = () => { state.textContent = 'The server does not answer; trying again.'; };
events.onmessage = (event) => show(JSON.parse(event.data));
