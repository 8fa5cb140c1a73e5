// SPDX-License-Identifier: MIT
pragma solidity 0.8.26;

/// Merkle-sum trees: every node commits to the hash and to the sum of both of its children, so that whatever can be
/// proven under a root adds up to no more than the root's total, even when whoever built the tree meant to cheat.
/// docs/vault.md has the layout, libs/domain/src/liabilities-tree.ts builds trees and proofs.
///
/// Leaves (their first byte tells them from nodes, their last eight bytes are the units that count in the sum):
///   account  0x00 ‖ salt 32 ‖ account 20 ‖ units 8
///   channel  0x02 ‖ salt 32 ‖ channel id 32 ‖ payer 20 ‖ payee 20 ‖ booked units 8 ‖ remaining units 8
///   payout   0x03 ‖ batch id 32 ‖ line 4 ‖ payee 20 ‖ units 8
/// Node: keccak256(0x01 ‖ left hash 32 ‖ left sum 8 ‖ right hash 32 ‖ right sum 8).
/// Proof: a step of 41 bytes per level, from the leaf up: side 1 ‖ sibling's hash 32 ‖ sibling's sum 8, where the side
/// is 0 for a sibling on the left and 1 for one on the right.
library SumTree {
    uint256 internal constant ACCOUNT = 0x00;
    uint256 internal constant CHANNEL = 0x02;
    uint256 internal constant PAYOUT = 0x03;
    uint256 private constant ACCOUNT_BYTES = 61;
    uint256 private constant CHANNEL_BYTES = 121;
    uint256 private constant PAYOUT_BYTES = 65;
    uint256 private constant STEP_BYTES = 41;
    /// More levels than any tree has; bounds the energy of a proof.
    uint256 private constant LEVELS_MAX = 64;

    error BadLeaf();
    error BadProof();

    /// Reverts unless the bytes are a leaf of that kind.
    function checkKind(bytes calldata leaf, uint256 kind) internal pure {
        uint256 length = kind == ACCOUNT
            ? ACCOUNT_BYTES
            : kind == CHANNEL
            ? CHANNEL_BYTES
            : PAYOUT_BYTES;
        if (leaf.length != length || uint8(leaf[0]) != kind) revert BadLeaf();
    }

    /// Units of a leaf that count in the sum.
    function unitsOf(bytes calldata leaf) internal pure returns (uint64) {
        return uint64(bytes8(leaf[leaf.length - 8:]));
    }

    /// Root and total that a leaf and its proof give. Reverts when the proof is malformed or a sum leaves 64 bits:
    /// sums that wrap around could hide any amount.
    function fold(
        bytes calldata leaf,
        bytes calldata proof
    ) internal pure returns (bytes32 hash, uint64 total) {
        if (proof.length % STEP_BYTES != 0 || proof.length > STEP_BYTES * LEVELS_MAX) {
            revert BadProof();
        }
        hash = keccak256(leaf);
        uint256 sum = unitsOf(leaf);
        bool sound = true;
        assembly ("memory-safe") {
            // The 81 bytes of a node; scratch space beyond the free pointer that is not kept.
            let node := mload(0x40)
            let end := add(proof.offset, proof.length)
            for {
                let step := proof.offset
            } lt(step, end) {
                step := add(step, 41)
            } {
                let side := byte(0, calldataload(step))
                let siblingSum := shr(192, calldataload(add(step, 33)))
                let own := add(node, 1)
                let sibling := add(node, 41)
                if iszero(side) {
                    own := add(node, 41)
                    sibling := add(node, 1)
                }
                // Words overlap: what lies further right is written later, or by exact length.
                switch side
                case 0 {
                    calldatacopy(sibling, add(step, 1), 40)
                    mstore(own, hash)
                    mstore(add(own, 32), shl(192, sum))
                }
                default {
                    mstore(own, hash)
                    mstore(add(own, 32), shl(192, sum))
                    calldatacopy(sibling, add(step, 1), 40)
                }
                mstore8(node, 1)
                hash := keccak256(node, 81)
                sum := add(sum, siblingSum)
                sound := and(sound, and(lt(side, 2), iszero(shr(64, sum))))
            }
        }
        if (!sound) revert BadProof();
        total = uint64(sum);
    }
}
