import { createRequire } from 'node:module';
import { TronWeb, utils } from 'tronweb';
import { type Devchain, FAUCET_PRIVATE_KEY } from '../src/index.js';

/** Helpers of the integration tests: clients, accounts and a compiled contract. */

export interface TestAccount {
  readonly address: string;
  readonly hex: string;
  readonly privateKey: string;
  readonly tronWeb: TronWeb;
}

/** An unmodified client that signs with `privateKey` (the faucet's by default). */
export function clientOf(chain: Devchain, privateKey = FAUCET_PRIVATE_KEY): TronWeb {
  return new TronWeb({ fullHost: chain.url, privateKey });
}

/** A fresh key pair with its own client. */
export function newAccount(chain: Devchain): TestAccount {
  const { privateKey, address } = utils.accounts.generateAccount();
  return {
    address: address.base58,
    hex: address.hex.toLowerCase(),
    privateKey,
    tronWeb: clientOf(chain, privateKey),
  };
}

/** A fresh account that has TRX (and TRC-10 units) in a sealed block. */
export async function fundedAccount(
  chain: Devchain,
  trxSun = 1_000_000_000n,
  trc10Units = 0n,
): Promise<TestAccount> {
  const account = newAccount(chain);
  await chain.fund(account.address, trxSun, trc10Units);
  await chain.mine();
  return account;
}

/** The text of a broadcast's hex message. */
export const messageText = (answer: { message?: string }): string =>
  Buffer.from(answer.message ?? '', 'hex').toString('utf8');

/** Sends JSON to the node and returns its JSON, whatever the status. */
export async function post(chain: Devchain, path: string, body: unknown): Promise<Answer> {
  const response = await fetch(`${chain.url}${path}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.status, ...((await response.json()) as Record<string, never>) };
}
interface Answer {
  status: number;
  Error?: string;
  [name: string]: unknown;
}

const SOURCE = `
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;
contract Probe {
  mapping(address => uint256) public balanceOf;
  event Transfer(address indexed from, address indexed to, uint256 value);
  error Refused(uint256 code);
  constructor() payable { balanceOf[msg.sender] = 1e30; }
  receive() external payable {}
  function transfer(address to, uint256 value) external returns (bool) {
    require(balanceOf[msg.sender] >= value, "poor");
    balanceOf[msg.sender] -= value;
    balanceOf[to] += value;
    emit Transfer(msg.sender, to, value);
    return true;
  }
  function chainId() external view returns (uint256) { return block.chainid; }
  function refuse() external pure { revert Refused(7); }
  function burnEnergy() external {
    for (uint160 i = 1; ; i++) balanceOf[address(i)] = i;
  }
  function spin() external pure returns (uint256 i) { while (true) { unchecked { i++; } } }
  function forward(address payable to, uint256 amount) external payable {
    (bool ok, ) = to.call{value: amount}("");
    require(ok, "not sent");
  }
  function tryForward(address payable to) external payable returns (bool ok) {
    (ok, ) = to.call{value: msg.value}("");
  }
  function spawn() external returns (address) { return address(new Child()); }
}
contract Child { uint256 public born = block.timestamp; }
`;

export interface Artifact {
  readonly abi: object[];
  readonly bytecode: string;
}
interface Solc {
  compile(input: string): string;
}
interface SolcOutput {
  readonly contracts?: Record<
    string,
    Record<string, { abi: object[]; evm: { bytecode: { object: string } } }>
  >;
  readonly errors?: { severity: string; formattedMessage: string }[];
}

/** Compiles the test contract for the fork the chain runs. */
export function compileProbe(): Artifact {
  const solc = createRequire(import.meta.url)('solc') as Solc;
  const input = {
    language: 'Solidity',
    sources: { 'probe.sol': { content: SOURCE } },
    settings: {
      evmVersion: 'cancun',
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input))) as SolcOutput;
  const contract = output.contracts?.['probe.sol']?.Probe;
  if (contract === undefined) {
    throw new Error(output.errors?.map(({ formattedMessage }) => formattedMessage).join('\n'));
  }
  return { abi: contract.abi, bytecode: contract.evm.bytecode.object };
}

/** Deploys the test contract and seals its block. @returns its hex address */
export async function deployProbe(
  chain: Devchain,
  tronWeb: TronWeb,
  artifact: Artifact,
  callValue = 0,
): Promise<string> {
  const transaction = await tronWeb.transactionBuilder.createSmartContract(
    {
      abi: artifact.abi as never,
      bytecode: artifact.bytecode,
      feeLimit: 1_000_000_000,
      callValue,
      userFeePercentage: 100,
      originEnergyLimit: 10_000_000,
      name: 'Probe',
    },
    tronWeb.defaultAddress.hex as string,
  );
  const answer = await tronWeb.trx.sendRawTransaction(await tronWeb.trx.sign(transaction));
  if (answer.result !== true) throw new Error(messageText(answer));
  await chain.mine();
  return transaction.contract_address;
}
