namespace Insa.Iiot.Protocols.OpcUa.Pki;

/// <summary>What a certificate is shown for.</summary>
internal enum CertificateUse
{
    /// <summary>To open a secure channel, as a client application.</summary>
    Application,

    /// <summary>By a server to which we connect.</summary>
    Server,

    /// <summary>To sign in, as a user or device.</summary>
    User,
}
