export { run } from '../peers/peers.js';
