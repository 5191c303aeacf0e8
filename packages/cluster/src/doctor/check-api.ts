import { error, type Finding, ok, warning } from './finding.js';

/** What the API said when it was asked. */
export interface ApiFacts {
  readonly url: string;
  /** Of its health; `something else`: what answered is not Holdfast's gateway. */
  readonly answer: 'none' | 'something else' | Readonly<Record<string, string>>;
  /** How far its clock is ahead of the one here; undefined: it did not say. */
  readonly clockSeconds: number | undefined;
  /** What became of a request with each key; undefined: nothing was learnt of it. */
  readonly keys: Readonly<Record<string, 'accepted' | 'refused' | undefined>>;
}

/** A second is what the header cannot tell, another may pass on the way. */
const clockToleranceSeconds = 3;

/** Does the gateway answer, is each service behind it ready, do the keys open it, and does its clock agree with this one? Pure. */
export function judgeApi(facts: ApiFacts | undefined): readonly Finding[] {
  if (facts === undefined) return [];
  const { url, answer } = facts;
  if (answer === 'none') return [error('api', `the API at ${url} does not answer`, 'holdfast logs api; holdfast up')];
  if (answer === 'something else') {
    const remedy = `ss -ltnp shows who it is; stop it, or give the API another port (\`ports.api\`), then: holdfast up`;
    return [error('api.port', `what answers at ${url} is not the API`, remedy)];
  }
  const findings = [...judgeServices(answer), ...judgeKeys(facts.keys), ...judgeApiClock(facts.clockSeconds)];
  if (findings.length > 0) return findings;
  return [
    ok('api', `the API answers at ${url}, with ${Object.keys(answer).join(' and ')} behind it and its keys in use`),
  ];
}

function judgeServices(services: Readonly<Record<string, string>>): readonly Finding[] {
  return Object.entries(services).flatMap(([name, state]): Finding[] => {
    if (state === 'ready') return [];
    const id = `api.${name}`;
    if (state === 'starting')
      return [warning(id, `${name} waits for its database`, 'holdfast status; if it leads: holdfast logs api')];
    return [error(id, `the gateway does not reach ${name}`, `holdfast logs api; see that ${name} runs`)];
  });
}

function judgeKeys(keys: ApiFacts['keys']): readonly Finding[] {
  return Object.entries(keys)
    .filter(([, became]) => became === 'refused')
    .map(([name]) =>
      error(
        `api.key.${name}`,
        `the API refuses the ${name} key of this cluster`,
        'holdfast up, which gives it the keys',
      ),
    );
}

function judgeApiClock(seconds: number | undefined): readonly Finding[] {
  if (seconds === undefined || Math.abs(seconds) <= clockToleranceSeconds) return [];
  const how = `${Math.abs(Math.round(seconds))} s ${seconds > 0 ? 'ahead' : 'behind'}`;
  return [
    warning(
      'api.clock',
      `the clock of the API is ${how}: tokens end too early or too late`,
      'Synchronise both machines',
    ),
  ];
}
