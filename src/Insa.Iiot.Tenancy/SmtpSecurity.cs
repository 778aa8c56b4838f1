namespace Insa.Iiot.Tenancy;

/// <summary>How a connection to a mail server is protected.</summary>
public enum SmtpSecurity
{
    /// <summary>TLS after STARTTLS (RFC 3207), as on port 587. A server that does not offer it gets nothing.</summary>
    StartTls,

    /// <summary>TLS from the first byte (RFC 8314), as on port 465.</summary>
    ImplicitTls,

    /// <summary>Nothing: for a server on the same machine only.</summary>
    None,
}
