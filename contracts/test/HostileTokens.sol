// SPDX-License-Identifier: MIT
pragma solidity 0.8.26;

/// The part of a TRC-20 that the others below bend.
abstract contract Ledger {
    mapping(address => uint256) public balanceOf;
    event Transfer(address indexed from, address indexed to, uint256 value);

    constructor(uint256 supply) {
        balanceOf[msg.sender] = supply;
    }

    function _move(address from, address to, uint256 debit, uint256 credit) internal {
        balanceOf[from] -= debit;
        balanceOf[to] += credit;
        emit Transfer(from, to, credit);
    }
}

/// Says no without reverting.
contract FalseToken is Ledger(1e30) {
    function transfer(address to, uint256 value) external returns (bool) {
        // The deployer can still fill a vault.
        if (msg.sender != tx.origin) return false;
        _move(msg.sender, to, value, value);
        return true;
    }

    function transferFrom(address, address, uint256) external pure returns (bool) {
        return false;
    }
}

/// Returns nothing, like some old tokens; works. Asks for no approval, which does not matter here.
contract SilentToken is Ledger {
    constructor(uint256 supply) Ledger(supply) {}

    function transfer(address to, uint256 value) external {
        _move(msg.sender, to, value, value);
    }

    function transferFrom(address from, address to, uint256 value) external {
        _move(from, to, value, value);
    }
}

/// Takes more from a sending contract than it was told to.
contract GreedyToken is Ledger {
    constructor(uint256 supply) Ledger(supply) {}

    function transfer(address to, uint256 value) external returns (bool) {
        _move(msg.sender, to, msg.sender == tx.origin ? value : value + 1, value);
        return true;
    }
}

/// Keeps a hundredth of each transfer: the payee gets less than was sent.
contract FeeToken is Ledger {
    constructor(uint256 supply) Ledger(supply) {}

    function transfer(address to, uint256 value) external returns (bool) {
        _move(msg.sender, to, value, value - value / 100);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        _move(from, to, value, value - value / 100);
        return true;
    }
}

/// Says yes and moves nothing once it was told to.
contract LyingToken is Ledger {
    bool public lying;

    constructor(uint256 supply) Ledger(supply) {}

    function lie() external {
        lying = true;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        if (!lying) _move(msg.sender, to, value, value);
        return true;
    }

    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        if (!lying) _move(from, to, value, value);
        return true;
    }
}

/// Refuses payees it was told to refuse, each in its own way.
contract PickyToken is Ledger {
    uint8 public constant REVERT = 1;
    uint8 public constant SAY_FALSE = 2;
    uint8 public constant BURN_ENERGY = 3;
    uint8 public constant RETURN_MUCH = 4;
    uint8 public constant SAY_TWO = 5;
    uint8 public constant SAY_LITTLE = 6;
    uint8 public constant SAY_ALMOST_A_WORD = 7;

    mapping(address => uint8) public manner;

    constructor(uint256 supply) Ledger(supply) {}

    function refuse(address payee, uint8 how) external {
        manner[payee] = how;
    }

    /// Takes from anybody, as some tokens' issuers can.
    function seize(address from, uint256 value) external {
        balanceOf[from] -= value;
    }

    function transfer(address to, uint256 value) external returns (bool) {
        uint8 how = manner[to];
        if (how == REVERT) revert("not you");
        if (how == SAY_FALSE) return false;
        if (how == BURN_ENERGY) {
            assembly {
                invalid()
            }
        }
        if (how == RETURN_MUCH) {
            assembly {
                revert(0, 50000)
            }
        }
        if (how == SAY_TWO) {
            assembly {
                mstore(0, 2)
                return(0, 32)
            }
        }
        if (how == SAY_LITTLE) {
            assembly {
                mstore8(0, 1)
                return(0, 1)
            }
        }
        if (how == SAY_ALMOST_A_WORD) {
            assembly {
                mstore(0, 0)
                return(0, 31)
            }
        }
        _move(msg.sender, to, value, value);
        return true;
    }
}

/// Calls something while it is asked to move tokens, once, and then goes on as if nothing had been.
contract CallbackToken is Ledger {
    address private target;
    bytes private call;
    bool public called;
    bytes public answer;

    constructor(uint256 supply) Ledger(supply) {}

    function arm(address target_, bytes calldata call_) external {
        target = target_;
        call = call_;
        called = false;
    }

    /// So that it can call what only an operator may.
    function forward(address to, bytes calldata data) external {
        (bool done, bytes memory told) = to.call(data);
        if (!done) {
            assembly {
                revert(add(told, 32), mload(told))
            }
        }
    }

    function transfer(address to, uint256 value) external returns (bool) {
        _callBack();
        _move(msg.sender, to, value, value);
        return true;
    }

    /// Moves nothing when it has called back: the inner call is to have moved it.
    function transferFrom(address from, address to, uint256 value) external returns (bool) {
        bool inner = target != address(0);
        _callBack();
        if (!inner || !called) _move(from, to, value, value);
        return true;
    }

    function _callBack() private {
        if (target == address(0)) return;
        address to = target;
        target = address(0);
        (called, answer) = to.call(call);
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

/// Says what the vault says when it takes a deposit, and takes none.
contract LookalikeVault {
    event Deposited(address indexed account, address indexed from, uint256 amount);

    function deposit(address account, uint256 amount) external {
        emit Deposited(account, msg.sender, amount);
    }
}

/// A vault as it was before there were epochs.
contract OldVault {
    address public immutable token;
    address public immutable operator;

    constructor(address token_, address operator_) {
        token = token_;
        operator = operator_;
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

    /// A plain transfer and a deposit of the same amount, in one transaction.
    function sendAndDeposit(address token, address vault, address account, uint256 value) external {
        (bool called, ) = token.call(abi.encodeWithSignature("transfer(address,uint256)", vault, value));
        require(called);
        depositFor(token, vault, account, value);
    }

    /// Deposits what it holds for an account of the ledger.
    function depositFor(address token, address vault, address account, uint256 value) public {
        (bool called, ) = token.call(abi.encodeWithSignature("approve(address,uint256)", vault, value));
        require(called);
        (called, ) = vault.call(abi.encodeWithSignature("deposit(address,uint256)", account, value));
        require(called);
    }
}
