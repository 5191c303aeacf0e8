export { type Action, decide, suspicion } from './decide.js';
export { type Evidence, findEvidence } from './evidence.js';
export { type GateVerdict, judgeGate } from './gate.js';
export * from './view.js';
