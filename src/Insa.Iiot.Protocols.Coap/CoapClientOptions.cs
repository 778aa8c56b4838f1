using System.Security.Cryptography.X509Certificates;

namespace Insa.Iiot.Protocols.Coap;

/// <summary>How a client behaves. The defaults are those of RFC 7252 §4.8; a client takes a copy when it is made.</summary>
public sealed class CoapClientOptions
{
    private static readonly TimeSpan ShortestTime = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestAckTimeout = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestRequestTimeout = TimeSpan.FromDays(1);

    /// <summary>How long a confirmable message waits at least before it is sent again. 1 ms to 1 min, default 2 s.</summary>
    public TimeSpan AckTimeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The first wait is a random one up to this many times <see cref="AckTimeout"/>, and doubles from there. 1 to 10, default 1.5.</summary>
    public double AckRandomFactor { get; set; } = 1.5;

    /// <summary>How often a confirmable message is sent again. 0 to 10, default 4.</summary>
    public int MaxRetransmit { get; set; } = 4;

    /// <summary>
    /// How long a response is waited for, from the call on; each block of a body has it anew. 1 ms to 1 day, default 93 s, which is the time
    /// after which nothing can come any more for a message that was not acknowledged (MAX_TRANSMIT_WAIT).
    /// </summary>
    public TimeSpan RequestTimeout { get; set; } = TimeSpan.FromSeconds(93);

    /// <summary>How many messages are on their way at once; the others wait for their turn. 1 to 256, default 1 (RFC 7252 §4.7).</summary>
    public int Nstart { get; set; } = 1;

    /// <summary>How many requests may wait for their turn. 1 to 65,536, default 1,024.</summary>
    public int MaxPendingRequests { get; set; } = 1024;

    /// <summary>The largest body sent or received, in bytes. 1 to 256 MiB, default 1 MiB.</summary>
    public int MaxBodyBytes { get; set; } = 1024 * 1024;

    /// <summary>The largest block sent or asked for, in bytes: 16, 32, 64, 128, 256, 512 or 1,024, the default. Over a connection, 1,024 stands for as much as the server takes in one message.</summary>
    public int BlockSize { get; set; } = 1024;

    /// <summary>Of <c>coaps</c>: the identity and key to show. Default none.</summary>
    public DevicePsk? Psk { get; set; }

    /// <summary>Of <c>coaps</c>, without <see cref="Psk"/>, <c>coaps+tcp</c> and <c>coaps+ws</c>: the certificate to show, with its private key. Default none.</summary>
    public X509Certificate2? Certificate { get; set; }

    /// <summary>
    /// Of <c>coaps</c>, without <see cref="Psk"/>, <c>coaps+tcp</c> and <c>coaps+ws</c>: SHA-256 over the DER of the one certificate to trust the server by. Default empty: it must be
    /// of the server's name, and from an issuer this machine trusts.
    /// </summary>
    public ReadOnlyMemory<byte> ServerCertificateSha256 { get; set; }

    /// <summary>Of <c>coap</c>: the OSCORE context that all is protected with (RFC 8613). Default none.</summary>
    public CoapOscoreOptions? Oscore { get; set; }

    /// <summary>
    /// Of <c>coaps</c>, without <see cref="Psk"/>: whether <see cref="Certificate"/>'s public key is shown without the certificate, and the server's key taken so
    /// (RFC 7250). <see cref="ServerCertificateSha256"/> is over the server's SubjectPublicKeyInfo then, and must be set. Default <see langword="false"/>.
    /// </summary>
    public bool UsesRawPublicKeys { get; set; }

    /// <summary>The clock. Default the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    /// <summary>How long a message id is not to be used again (EXCHANGE_LIFETIME, RFC 7252 §4.8.2): 247 s with the defaults.</summary>
    internal TimeSpan ExchangeLifetime =>
        (AckTimeout * ((1 << MaxRetransmit) - 1) * AckRandomFactor) + (2 * TimeSpan.FromSeconds(100)) + TimeSpan.FromSeconds(2);

    /// <summary>Copies the options, if they are valid.</summary>
    /// <exception cref="ArgumentException">Some are not; the message names them all.</exception>
    internal CoapClientOptions ToChecked()
    {
        List<string> errors = [];
        Check(AckTimeout >= ShortestTime && AckTimeout <= LongestAckTimeout, nameof(AckTimeout), AckTimeout);
        Check(AckRandomFactor is >= 1 and <= 10, nameof(AckRandomFactor), AckRandomFactor);
        Check(MaxRetransmit is >= 0 and <= 10, nameof(MaxRetransmit), MaxRetransmit);
        Check(RequestTimeout >= ShortestTime && RequestTimeout <= LongestRequestTimeout, nameof(RequestTimeout), RequestTimeout);
        Check(Nstart is >= 1 and <= 256, nameof(Nstart), Nstart);
        Check(MaxPendingRequests is >= 1 and <= 65536, nameof(MaxPendingRequests), MaxPendingRequests);
        Check(MaxBodyBytes is >= 1 and <= 256 * 1024 * 1024, nameof(MaxBodyBytes), MaxBodyBytes);
        Check(BlockSize is >= 16 and <= 1024 && int.IsPow2(BlockSize), nameof(BlockSize), BlockSize);
        Check(Certificate is null or { HasPrivateKey: true }, nameof(Certificate), "one without its private key");
        Check(ServerCertificateSha256.Length is 0 or 32, nameof(ServerCertificateSha256), $"{ServerCertificateSha256.Length} bytes");
        Check(
            Oscore is null or { IsValid: true },
            nameof(Oscore),
            "a context whose ids, ID context or secret are too long, short or the same"
        );
        Check(
            !UsesRawPublicKeys || (Psk is null && Certificate is not null && ServerCertificateSha256.Length == 32),
            nameof(UsesRawPublicKeys),
            "true without a certificate and the server's key"
        );
        Check(TimeProvider is not null, nameof(TimeProvider), "null");
        if (errors.Count > 0)
            throw new ArgumentException($"Out of range: {string.Join(", ", errors)}.", "options");
        return (CoapClientOptions)MemberwiseClone();

        void Check(bool isValid, string name, object value)
        {
            if (!isValid)
                errors.Add(FormattableString.Invariant($"{name} = {value}"));
        }
    }
}
