using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Exchange;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.Protocols.Coap.Server;

/// <remarks>
/// A message of a connection (RFC 8323) goes the way of a datagram that is not confirmable, from an address that is known to be its own. No
/// id tells it from duplicates, as there are none, and its answer is written as a datagram too: only the header differs, see <c>Streams</c>.
/// </remarks>
internal sealed partial class CoapEndpoint
{
    // Of the request that is handled at the moment; the lock guards them.
    private StreamVerdict _verdict;
    private DeviceSession? _speaker;
    private bool _isUncheckable;

    /// <summary>How many connections wait for a credential to be checked.</summary>
    public int WaitingConnections
    {
        get
        {
            lock (_sync)
                return _waitingConnections;
        }
    }

    /// <summary>Holds the endpoint's lock, for several messages of a connection.</summary>
    public Lock.Scope Enter() => _sync.EnterScope();

    /// <summary>Takes a request of a connection.</summary>
    /// <param name="peer">The connection.</param>
    /// <param name="session">Whose it is, if its device has shown a certificate.</param>
    /// <param name="code">The request's method.</param>
    /// <param name="tokenNibble">The nibble that says how long its token is.</param>
    /// <param name="rest">What follows its code.</param>
    /// <param name="isUncheckable">Whether its credential could not be checked: it is to be told, and not to wait again.</param>
    /// <param name="speaker">Whose request it is, if that is known already.</param>
    public StreamVerdict Receive(
        in PeerAddress peer,
        DeviceSession? session,
        CoapCode code,
        int tokenNibble,
        ReadOnlySpan<byte> rest,
        bool isUncheckable,
        out DeviceSession? speaker
    )
    {
        speaker = null;
        if (!CoapMessage.TryRead(code, tokenNibble, rest, out var message))
            return StreamVerdict.Malformed;
        lock (_sync)
        {
            (_verdict, _speaker, _isUncheckable) = (StreamVerdict.Taken, null, isUncheckable);
            var header = new CoapHeader(CoapType.NonConfirmable, code, 0);
            if (message.Options.Length > UdpSocket.MaxDatagramBytes)
                RefuseOptions(peer, header, message);
            else
                HandleRequest(peer, session, isVerified: true, header, message, rest);
            (speaker, _isUncheckable) = (_speaker, false);
            return _verdict;
        }
    }

    /// <summary>All that was sent over a connection has left.</summary>
    public void Drained(in PeerAddress address)
    {
        lock (_sync)
        {
            _peers.TryFind(address, out var peer);
            for (; peer is not null; peer = peer.Sibling)
            {
                for (var observer = peer.FirstObserver; observer is not null; observer = observer.NextOfPeer)
                {
                    if (!observer.AwaitsRoom)
                        continue;
                    observer.AwaitsRoom = false;
                    Next(observer);
                }
            }
        }
    }

    /// <summary>Leaves a message of a connection with it, as there is no room: the device is held back, and not told to come again.</summary>
    /// <returns><see langword="false"/> if it cannot be left: it is to be refused.</returns>
    private bool TryHoldBack(in Request request)
    {
        // Of a body in blocks, what came before is gone already.
        if (!request.Address.IsConnection || request.Head.Block1 is not null)
            return false;
        _requests--;
        _verdict = StreamVerdict.NoRoom;
        return true;
    }

    // Only a body may be longer than a datagram: tables and keys are made for options that fit into one.
    private void RefuseOptions(in PeerAddress peer, CoapHeader header, in CoapMessage message)
    {
        var request = NewRequest(peer, header, message, default, _connections!.MaxMessageBytesOf(peer));
        Answer(request, new Reply(CoapCode.BadRequest) { Diagnostic = "the options are too long"u8 });
    }

    private bool TakesSeveralBlocks(in PeerAddress address) => address.IsConnection && _connections!.TakesSeveralBlocks(address);

    private int MaxAnswerBytesTo(in PeerAddress address, bool isVerified, int requestBytes)
    {
        if (address.IsConnection)
            return _connections!.MaxMessageBytesOf(address);
        return isVerified ? UdpSocket.MaxDatagramBytes : 3 * requestBytes;
    }
}
