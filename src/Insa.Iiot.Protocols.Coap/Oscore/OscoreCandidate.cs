using System.Buffers;
using System.Security.Cryptography;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Oscore;

/// <summary>The context of an identity and a key that was found for it, before any request has shown that its device has that key.</summary>
internal sealed class OscoreCandidate : IDisposable
{
    private OscoreContext? _context;

    /// <param name="idContext">The ID context that was named.</param>
    /// <param name="psk">The pre-shared key; one that nobody has if the identity is not known.</param>
    /// <param name="known">The identity, if it is known.</param>
    public OscoreCandidate(byte[] idContext, ReadOnlySpan<byte> psk, string? known)
    {
        var secret = OscoreIdentity.ToMasterSecret(psk);
        _context = new OscoreContext(secret, [], OscoreIdentity.ServerId, OscoreIdentity.ClientId, idContext);
        Check = SHA256.HashData(secret);
        Known = known;
        CryptographicOperations.ZeroMemory(secret);
    }

    /// <summary>The identity; <see langword="null"/> if it is not known.</summary>
    public string? Known { get; }

    /// <summary>Tells the key from another.</summary>
    public byte[] Check { get; }

    /// <summary>Whether the device has sealed a request.</summary>
    public bool HasSealed(ReadOnlySpan<byte> datagram, in ProtectedRequest request)
    {
        if (_context is null)
            return false;
        var buffer = ArrayPool<byte>.Shared.Rent(datagram.Length);
        var iv = request.Option.PartialIv;
        var isOpen = OscoreMessages.TryOpen(_context, datagram, _context.RecipientId, iv, iv, buffer, out _);
        ArrayPool<byte>.Shared.Return(buffer, clearArray: isOpen);
        return isOpen && Known is not null;
    }

    /// <summary>Takes the context out of it.</summary>
    public OscoreContext TakeContext()
    {
        var taken = _context ?? throw new InvalidOperationException("The context was taken before.");
        _context = null;
        return taken;
    }

    public void Dispose() => _context?.Dispose();
}
