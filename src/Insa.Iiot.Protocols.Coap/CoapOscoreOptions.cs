using Insa.Iiot.Protocols.Coap.Oscore;

namespace Insa.Iiot.Protocols.Coap;

/// <summary>The OSCORE context of a client (RFC 8613 §3), for AES-CCM-16-64-128 and HKDF with SHA-256. Its text form holds no secret.</summary>
public sealed class CoapOscoreOptions
{
    private const int LeastSecretBytes = 16;

    /// <summary>The master secret, 16 bytes or more.</summary>
    public required ReadOnlyMemory<byte> MasterSecret { get; init; }

    /// <summary>The master salt. Default empty.</summary>
    public ReadOnlyMemory<byte> MasterSalt { get; init; }

    /// <summary>The client's own id, 0 to 7 bytes.</summary>
    public required ReadOnlyMemory<byte> SenderId { get; init; }

    /// <summary>The server's id, 0 to 7 bytes, and another than the client's.</summary>
    public required ReadOnlyMemory<byte> RecipientId { get; init; }

    /// <summary>The ID context, up to 192 bytes, which goes with every request. Default none.</summary>
    public ReadOnlyMemory<byte>? IdContext { get; init; }

    /// <summary>Keeps the sequence numbers of this context: of one client at a time, and for as long as the secret is used.</summary>
    public required IOscoreSequenceStore Sequence { get; init; }

    /// <summary>The context of a device towards a server of this package, from its pre-shared key.</summary>
    /// <param name="psk">The key.</param>
    /// <param name="sequence">Keeps the sequence numbers of this key.</param>
    public static CoapOscoreOptions FromPsk(DevicePsk psk, IOscoreSequenceStore sequence)
    {
        ArgumentNullException.ThrowIfNull(psk);
        ArgumentNullException.ThrowIfNull(sequence);
        return new CoapOscoreOptions
        {
            MasterSecret = OscoreIdentity.ToMasterSecret(psk.Key.Span),
            SenderId = OscoreIdentity.ClientId.ToArray(),
            RecipientId = OscoreIdentity.ServerId.ToArray(),
            IdContext = OscoreIdentity.ToIdContext(psk.Identity),
            Sequence = sequence,
        };
    }

    internal bool IsValid =>
        MasterSecret.Length >= LeastSecretBytes
        && SenderId.Length <= OscoreKeys.MaxIdBytes
        && RecipientId.Length <= OscoreKeys.MaxIdBytes
        && !SenderId.Span.SequenceEqual(RecipientId.Span)
        && (IdContext?.Length ?? 0) <= OscoreKeys.MaxIdContextBytes
        && Sequence is not null;
}
