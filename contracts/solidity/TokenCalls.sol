// SPDX-License-Identifier: MIT
pragma solidity 0.8.26;

interface ITrc20 {
    function balanceOf(address account) external view returns (uint256);
}

/// Calls of a TRC-20 that may signal failure by reverting or by returning false, and may return nothing at all on
/// success. Written in assembly because a batch makes them once per payee: it uses the same memory again and again,
/// and copies at most one word of what the token answers, however long that is.
library TokenCalls {
    /// transfer(address,uint256) with at most `energy` for the token's code. False when it failed.
    function transfer(
        address token,
        address to,
        uint256 amount,
        uint256 energy
    ) internal returns (bool done) {
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, 0xa9059cbb00000000000000000000000000000000000000000000000000000000)
            mstore(add(data, 0x04), to)
            mstore(add(data, 0x24), amount)
            let called := call(energy, token, 0, data, 0x44, data, 0x20)
            switch returndatasize()
            case 0 {
                done := and(called, gt(extcodesize(token), 0))
            }
            default {
                done := and(called, and(gt(returndatasize(), 0x1f), eq(mload(data), 1)))
            }
        }
    }

    /// transferFrom(address,address,uint256). False when it failed.
    function transferFrom(
        address token,
        address from,
        address to,
        uint256 amount
    ) internal returns (bool done) {
        assembly ("memory-safe") {
            let data := mload(0x40)
            mstore(data, 0x23b872dd00000000000000000000000000000000000000000000000000000000)
            mstore(add(data, 0x04), from)
            mstore(add(data, 0x24), to)
            mstore(add(data, 0x44), amount)
            let called := call(gas(), token, 0, data, 0x64, data, 0x20)
            switch returndatasize()
            case 0 {
                done := and(called, gt(extcodesize(token), 0))
            }
            default {
                done := and(called, and(gt(returndatasize(), 0x1f), eq(mload(data), 1)))
            }
        }
    }
}
