export { type RestOptions, type RestState, rest, restState } from './rest.js';
export { defaultSettings, type RestSettings, type RoleSettings } from './settings.js';
