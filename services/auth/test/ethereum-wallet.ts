import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';

/** An account, with a new key unless one is given, that signs as wallets do (personal_sign, EIP-191). */
export function ethereumWallet(secretKey: Uint8Array = secp256k1.utils.randomSecretKey()) {
  const publicKey = secp256k1.getPublicKey(secretKey);
  const point = secp256k1.Point.fromBytes(publicKey).toBytes(false).slice(1);
  return {
    address: `0x${Buffer.from(keccak_256(point)).subarray(-20).toString('hex')}`,
    sign(text: string): string {
      const message = Buffer.from(text);
      const prefix = Buffer.from(`\x19Ethereum Signed Message:\n${message.length}`);
      const hash = keccak_256(Buffer.concat([prefix, message]));
      const [recovery = 0, ...compact] = secp256k1.sign(hash, secretKey, { prehash: false, format: 'recovered' });
      return `0x${Buffer.from([...compact, 27 + recovery]).toString('hex')}`;
    },
  };
}
