using System.Security.Cryptography;
using Org.BouncyCastle.Tls;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>How a cipher suite protects records.</summary>
internal readonly record struct DtlsSuite(int KeyBytes, int TagBytes, bool IsGcm)
{
    private static readonly int[] PskCcm =
    [
        CipherSuite.TLS_PSK_WITH_AES_128_CCM_8,
        CipherSuite.TLS_PSK_WITH_AES_128_CCM,
        CipherSuite.TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256,
        CipherSuite.TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256,
    ];

    private static readonly int[] PskGcm = [CipherSuite.TLS_PSK_WITH_AES_128_GCM_SHA256, CipherSuite.TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256];

    private static readonly int[] EcdsaCcm = [CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8, CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CCM];

    private static readonly int[] EcdsaGcm = [CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256];
    private static readonly int[] RsaGcm = [CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256];

    /// <summary>The suites of pre-shared keys, those this platform has.</summary>
    public static int[] Psk { get; } = Available(PskCcm, PskGcm);

    /// <summary>The suites of a server with an ECDSA certificate.</summary>
    public static int[] Ecdsa { get; } = Available(EcdsaCcm, EcdsaGcm);

    /// <summary>The suites of a server with an RSA certificate.</summary>
    public static int[] Rsa => RsaGcm;

    public static DtlsSuite Of(int cipherSuite) =>
        cipherSuite switch
        {
            CipherSuite.TLS_PSK_WITH_AES_128_CCM_8
            or CipherSuite.TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256
            or CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8 => new DtlsSuite(16, 8, false),
            CipherSuite.TLS_PSK_WITH_AES_128_CCM
            or CipherSuite.TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256
            or CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CCM => new DtlsSuite(16, 16, false),
            CipherSuite.TLS_PSK_WITH_AES_128_GCM_SHA256
            or CipherSuite.TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256
            or CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            or CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => new DtlsSuite(16, 16, true),
            _ => throw new ArgumentOutOfRangeException(nameof(cipherSuite), cipherSuite, "Not a suite that is offered here."),
        };

    // RFC 7252 §9.1.3 makes the CCM_8 suites the ones to have; macOS has CCM only with OpenSSL.
    private static int[] Available(int[] ccm, int[] gcm) => AesCcm.IsSupported ? [.. ccm, .. gcm] : gcm;
}
