// SPDX-License-Identifier: MIT
pragma solidity 0.8.26;

import "./VaultExits.sol";
import "./VaultPayouts.sol";

/// Holds the TRC-20 BTT that backs the ledger.
///
/// Deposits are plain transfers to this address, or `deposit` for an account of another. The operator pays out in
/// batches; a batch id can be executed once, so that sending a batch twice, by mistake or after a crash, cannot pay
/// twice. Each epoch commits to everything the ledger owes. When epochs stay away, everybody takes what the last one
/// says. Nothing here can be upgraded. docs/vault.md has the rules, the reasons, and what is not covered.
contract Vault is VaultPayouts, VaultExits {
    constructor(
        address token_,
        address operator_,
        uint256 exitDelay_,
        uint256 challengeWindow_
    ) VaultBase(token_, operator_, exitDelay_, challengeWindow_) {}

    /// True when a batch was paid or reserved for claims.
    function isUsed(bytes32 batchId) public view override(VaultPayouts, VaultExits) returns (bool) {
        return executedIn[batchId] != 0 || claimSets[batchId].root != bytes32(0);
    }
}
