// SPDX-License-Identifier: MIT
pragma solidity 0.8.26;

interface IVault {
    function payBatch(bytes32 batchId, address[] calldata recipients, uint256[] calldata amounts) external;
}

/// Says no without reverting.
contract FalseToken {
    mapping(address => uint256) public balanceOf;

    function transfer(address, uint256) external pure returns (bool) {
        return false;
    }
}

/// Returns nothing, like some old tokens; works.
contract SilentToken {
    mapping(address => uint256) public balanceOf;
    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor(uint256 supply) {
        balanceOf[msg.sender] = supply;
    }

    function transfer(address to, uint256 value) external {
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
        emit Transfer(msg.sender, to, value);
    }
}

/// Takes more from the sender than it was told to.
contract GreedyToken {
    mapping(address => uint256) public balanceOf;

    constructor(uint256 supply) {
        balanceOf[msg.sender] = supply;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        uint256 fee = msg.sender == tx.origin ? 0 : 1;
        balanceOf[msg.sender] -= value + fee;
        balanceOf[to] += value;
        return true;
    }
}

/// Calls payBatch again while it is asked to transfer; it has been made the vault's operator for that.
contract ReentrantToken {
    mapping(address => uint256) public balanceOf;
    bytes32 public replay;
    bool private entered;

    constructor(uint256 supply) {
        balanceOf[msg.sender] = supply;
    }

    function attack(address vault, bytes32 batchId, address recipient) external {
        replay = batchId;
        _pay(vault, recipient);
    }

    function transfer(address to, uint256 value) external returns (bool) {
        if (replay != bytes32(0) && !entered) {
            entered = true;
            _pay(msg.sender, to);
        }
        balanceOf[msg.sender] -= value;
        balanceOf[to] += value;
        return true;
    }

    function _pay(address vault, address recipient) private {
        address[] memory recipients = new address[](1);
        uint256[] memory amounts = new uint256[](1);
        recipients[0] = recipient;
        amounts[0] = 1;
        IVault(vault).payBatch(replay, recipients, amounts);
    }
}

/// Same name, symbol and events as BTT at another address: must never be taken for it.
contract LookalikeToken {
    string public constant name = "BitTorrent";
    string public constant symbol = "BTT";
    uint8 public constant decimals = 18;
    event Transfer(address indexed from, address indexed to, uint256 value);

    function transfer(address to, uint256 value) external returns (bool) {
        emit Transfer(msg.sender, to, value);
        return true;
    }
}

/// Forwards a TRC-20 transfer: its sender is a contract, which nobody holds a key of.
contract Forwarder {
    function forward(address token, address to, uint256 value) external {
        (bool called, ) = token.call(abi.encodeWithSignature("transfer(address,uint256)", to, value));
        require(called);
    }

    /// Emits logs through the token and then undoes all of it.
    function forwardAndFail(address token, address to, uint256 value) external {
        (bool called, ) = token.call(abi.encodeWithSignature("transfer(address,uint256)", to, value));
        require(called);
        revert("after all");
    }
}
