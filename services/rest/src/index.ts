export { createRest, type Rest, type RestOptions } from './rest.js';
export { defaultSettings, type RestSettings, type RoleSettings } from './settings.js';
