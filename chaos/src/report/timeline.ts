import type { EventRecord, HeaderRecord } from '../history/records.js';
import { type FaultSummary, type Measurements, type Span, summarize } from './measure-history.js';
import { duration, escapeHtml, memberName, moment } from './words.js';

export interface TimelineInput {
  readonly header: HeaderRecord;
  readonly measurements: Measurements;
  readonly events: readonly EventRecord[];
  /** Completion times of operations that were not acknowledged. */
  readonly unacknowledged: readonly number[];
}

const left = 8;
const right = 8;
const row = 22;

/**
 * The run as one SVG of this width in pixels: faults, who was primary, acknowledged writes a second, their latency (median, 99th percentile and
 * maximum of each slice of time, on a logarithmic scale), and gaps in red through everything. Its size depends on the width and not on the
 * number of operations. Colours come from the page's CSS.
 */
export function renderTimeline(input: TimelineInput, width: number): string {
  const { run, gaps, faults } = input.measurements;
  const inner = width - left - right;
  const x = (time: number) => round(left + ((time - run.begin) / (run.end - run.begin)) * inner);
  const slices = sliceRun(input, Math.max(40, Math.floor(inner / 4)));

  const parts: string[] = [];
  let y = 4;
  const lane = (caption: string, height: number, content: (top: number) => string) => {
    parts.push(`<text class="lane" x="${left}" y="${y + 12}">${caption}</text>`);
    y += 20;
    parts.push(`<rect class="ground" x="${left}" y="${y}" width="${inner}" height="${height}"/>`, content(y));
    y += height + 12;
  };
  const placed = placeFaults(faults, x, width);
  const rows = Math.max(1, ...placed.map((each) => each.row + 1));
  lane('Faults', rows * row + 2, (top) => placed.map((each) => renderFault(each, top)).join(''));
  const signs = input.events.filter(({ event }) => event !== 'fault');
  lane(
    'Primary, as clients saw it',
    row + (signs.length > 0 ? 12 : 0),
    (top) => renderReigns(input, x, top) + renderSigns(signs, x, top + row),
  );
  lane('A second: writes acknowledged, operations that were not', 70, (top) => renderThroughput(slices, x, top, 70));
  lane('Latency of acknowledged writes: median, 99 %, maximum', 130, (top) =>
    renderLatency(slices, x, top, 130, inner),
  );

  const bottom = y - 8;
  const marks = gaps
    .map(({ begin, end }) => {
      const [from, to] = [x(begin), x(end)];
      const title = `no write acknowledged for ${duration(end - begin)}, from ${moment(begin)}`;
      return `<rect class="gap" x="${from}" y="24" width="${round(Math.max(1, to - from))}" height="${bottom - 24}"><title>${title}</title></rect>`;
    })
    .join('');
  const axis = ticks(run, width)
    .map(
      (time) =>
        `<path class="tick" d="M${x(time)} ${bottom}v5"/><text class="axis" x="${x(time)}" y="${bottom + 18}">${(time / 1e6).toFixed(0)} s</text>`,
    )
    .join('');
  const height = bottom + 24;
  return `<svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Timeline of the run">${parts.join('')}${marks}${axis}</svg>`;
}

interface PlacedFault {
  readonly fault: FaultSummary;
  readonly row: number;
  readonly from: number;
  readonly to: number;
  /** Where its label begins, and whether it ends there instead. */
  readonly label: number;
  readonly anchor: 'start' | 'end';
}

/** Each fault in the first row where neither its bar nor its label covers another one. */
function placeFaults(
  faults: readonly FaultSummary[],
  x: (time: number) => number,
  width: number,
): readonly PlacedFault[] {
  const taken: Span[][] = [];
  return faults.map((fault) => {
    const [from, to] = [x(fault.begin), Math.max(x(fault.end), x(fault.begin) + 3)];
    const text = labelOf(fault).length * 6.4 + 8;
    const fits = from + text <= width - right;
    const needed = fits
      ? { begin: from, end: Math.max(to, from + text) }
      : { begin: Math.min(from, to - text), end: to };
    let place = taken.findIndex((spans) => spans.every((span) => span.end < needed.begin || span.begin > needed.end));
    if (place === -1) place = taken.push([]) - 1;
    taken[place]?.push(needed);
    return { fault, row: place, from, to, label: fits ? from + 4 : to - 4, anchor: fits ? 'start' : 'end' };
  });
}

const labelOf = ({ name, targets }: FaultSummary): string =>
  [name, targets.join(', ')].filter((each) => each !== '').join(' ');

function renderFault({ fault, row: place, from, to, label, anchor }: PlacedFault, top: number): string {
  const y = top + place * row + 2;
  const title = escapeHtml(
    `${labelOf(fault)}: ${moment(fault.begin)} to ${fault.open ? 'the end' : moment(fault.end)}; longest gap ${duration(fault.gap.end - fault.gap.begin)}`,
  );
  return `<g><title>${title}</title><rect class="fault" x="${from}" y="${y}" width="${round(to - from)}" height="${row - 4}" rx="2"/><path class="edge" d="M${from} ${y}v${row - 4}"/><text class="label" text-anchor="${anchor}" x="${round(label)}" y="${y + 13}">${escapeHtml(labelOf(fault))}</text></g>`;
}

function renderReigns({ header, measurements }: TimelineInput, x: (time: number) => number, top: number): string {
  const members = [...new Set(measurements.reigns.map(({ member }) => member))];
  return measurements.reigns
    .map(({ member, timeline, begin, end }) => {
      const [from, to] = [x(begin), Math.max(x(end), x(begin) + 2)];
      const name = memberName(member, header) + (timeline === undefined ? '' : ` (timeline ${timeline})`);
      const short = [name, memberName(member, header)].find((text) => text.length * 6.4 + 8 < to - from);
      const label =
        short === undefined
          ? ''
          : `<text class="label" x="${round(from + 4)}" y="${top + 15}">${escapeHtml(short)}</text>`;
      return `<g><title>${escapeHtml(`${name}: ${moment(begin)} to ${moment(end)}`)}</title><rect class="reign r${members.indexOf(member) % 5}" x="${from}" y="${top + 2}" width="${round(to - from)}" height="${row - 4}"/>${label}</g>`;
    })
    .join('');
}

/** Changes of the route and of the primary, and notes, as small signs whose words are in their title and in the list below. */
function renderSigns(events: readonly EventRecord[], x: (time: number) => number, top: number): string {
  // More than this many cannot be told apart anyway.
  return events
    .slice(0, 500)
    .map(({ time, event, name, targets = [] }) => {
      const title = escapeHtml(`${moment(time)}: ${event} ${name} ${targets.join(', ')}`);
      return `<path class="sign ${event}" d="M${x(time)} ${top + 1}l4 8h-8z"><title>${title}</title></path>`;
    })
    .join('');
}

interface Slice {
  readonly begin: number;
  readonly end: number;
  readonly latencies: number[];
  unacknowledged: number;
}

function sliceRun({ measurements, unacknowledged }: TimelineInput, number: number): readonly Slice[] {
  const { run, writes } = measurements;
  const length = (run.end - run.begin) / number;
  const slices = Array.from({ length: number }, (_, place): Slice => {
    const begin = run.begin + place * length;
    return { begin, end: begin + length, latencies: [], unacknowledged: 0 };
  });
  const sliceAt = (time: number) => slices[Math.min(number - 1, Math.max(0, Math.floor((time - run.begin) / length)))];
  for (const { invoked, completed } of writes) sliceAt(completed)?.latencies.push(completed - invoked);
  for (const time of unacknowledged) {
    const slice = sliceAt(time);
    if (slice !== undefined) slice.unacknowledged++;
  }
  return slices;
}

function renderThroughput(slices: readonly Slice[], x: (time: number) => number, top: number, height: number): string {
  const most = Math.max(1, ...slices.map(({ latencies, unacknowledged }) => latencies.length + unacknowledged));
  const tall = (value: number) => round((value / most) * (height - 14));
  const bars = slices.map(({ begin, end, latencies, unacknowledged }) => {
    const [from, wide] = [x(begin), round(Math.max(1, x(end) - x(begin) - 0.5))];
    const [done, not] = [tall(latencies.length), tall(unacknowledged)];
    const bottom = top + height;
    return (
      (done === 0
        ? ''
        : `<rect class="ok" x="${from}" y="${round(bottom - done)}" width="${wide}" height="${done}"/>`) +
      (not === 0
        ? ''
        : `<rect class="not" x="${from}" y="${round(bottom - done - not)}" width="${wide}" height="${not}"/>`)
    );
  });
  const second = slices[0] === undefined ? 1 : (slices[0].end - slices[0].begin) / 1e6;
  return `${bars.join('')}<text class="scale" x="${left + 4}" y="${top + 11}">${Math.round(most / second)} /s</text>`;
}

function renderLatency(
  slices: readonly Slice[],
  x: (time: number) => number,
  top: number,
  height: number,
  inner: number,
): string {
  const [least, most] = [100, 10_000_000];
  const y = (microseconds: number) => {
    const share = Math.log(Math.min(most, Math.max(least, microseconds)) / least) / Math.log(most / least);
    return round(top + height - share * height);
  };
  const scale = [1000, 10_000, 100_000, 1_000_000];
  const lines = scale.map((value) => `<path class="grid" d="M${left} ${y(value)}h${inner}"/>`).join('');
  const words = scale
    .map(
      (value) =>
        `<text class="scale" x="${left + 4}" y="${y(value) - 3}">${value >= 1e6 ? `${value / 1e6} s` : `${value / 1000} ms`}</text>`,
    )
    .join('');
  const shapes = slices
    .filter(({ latencies }) => latencies.length > 0)
    .map(({ begin, end, latencies }) => {
      const { median, p99, max } = summarize(latencies);
      const [from, wide] = [x(begin), round(Math.max(1, x(end) - x(begin)))];
      return `<rect class="band" x="${from}" y="${y(p99)}" width="${wide}" height="${round(Math.max(1, y(median) - y(p99)))}"/><rect class="median" x="${from}" y="${y(median)}" width="${wide}" height="1.5"/><circle class="max" cx="${round(from + wide / 2)}" cy="${y(max)}" r="1.2"/>`;
    })
    .join('');
  return lines + shapes + words;
}

/** Round numbers of seconds, about one for each 90 pixels. */
function ticks(run: Span, width: number): readonly number[] {
  const wanted = (run.end - run.begin) / 1e6 / (width / 90);
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600];
  const step = (steps.find((each) => each >= wanted) ?? 7200) * 1e6;
  const first = Math.ceil(run.begin / step) * step;
  const all = Array.from(
    { length: Math.max(0, Math.floor((run.end - first) / step) + 1) },
    (_, place) => first + place * step,
  );
  const margin = ((run.end - run.begin) / width) * 12;
  return all.filter((time) => time >= run.begin + margin && time <= run.end - margin);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
