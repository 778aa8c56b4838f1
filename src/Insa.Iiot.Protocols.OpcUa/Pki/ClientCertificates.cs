using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Insa.Iiot.Protocols.OpcUa.Server;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.OpcUa.Pki;

/// <summary>Decides whose certificate opens a channel, and whose signs in. Thread-safe.</summary>
internal sealed class ClientCertificates
{
    private readonly CertificateValidator _validator;
    private readonly TrustStore _applications;
    private readonly TrustStore _users;
    private readonly RejectedCertificates _rejected;
    private readonly string _rejectedFolder;
    private readonly OpcUaMetrics _metrics;
    private readonly ILogger _logger;

    public ClientCertificates(
        ServerIdentity server,
        IOptions<OpcUaServerOptions> options,
        OpcUaMetrics metrics,
        TimeProvider time,
        ILogger<ClientCertificates> logger
    )
    {
        var (settings, folders) = (options.Value, server.Folders);
        (_metrics, _logger, _rejectedFolder) = (metrics, logger, folders.Rejected);
        _validator = new CertificateValidator(settings.RequireRevocationLists, settings.IgnoreCertificateTimes, time);
        _applications = new TrustStore(folders.Trusted, folders.Issuer, time, logger);
        _users = new TrustStore(folders.TrustedUser, folders.IssuerUser, time, logger);
        _rejected = new RejectedCertificates(folders.Rejected, settings.MaxRejectedCertificates, time, logger);
    }

    /// <summary>Whether a client application may open a channel.</summary>
    /// <returns>Good, or what the client is told.</returns>
    public StatusCode CheckApplication(CertificateChain shown) => Check(shown, CertificateUse.Application);

    /// <summary>Whether we may open a channel to a server.</summary>
    /// <returns>Good, or what is wrong.</returns>
    public StatusCode CheckServer(CertificateChain shown) => Check(shown, CertificateUse.Server);

    /// <summary>Whether a user's certificate is trusted as such.</summary>
    public bool IsTrustedUser(CertificateChain shown)
    {
        var problem = _validator.Validate(shown, _users.Read(), CertificateUse.User);
        if (problem != CertificateProblem.None)
            Refuse(shown, problem);
        return problem == CertificateProblem.None;
    }

    private StatusCode Check(CertificateChain shown, CertificateUse use)
    {
        var problem = _validator.Validate(shown, _applications.Read(), use);
        if (problem == CertificateProblem.None)
            return default;
        Refuse(shown, problem);
        return Tell(problem);
    }

    // Part 4 §6.1.3: who is not trusted is not told how far it came.
    private static StatusCode Tell(CertificateProblem problem) =>
        problem switch
        {
            CertificateProblem.TimeInvalid => StatusCodes.BadCertificateTimeInvalid,
            CertificateProblem.IssuerTimeInvalid => StatusCodes.BadCertificateIssuerTimeInvalid,
            CertificateProblem.UseNotAllowed => StatusCodes.BadCertificateUseNotAllowed,
            CertificateProblem.IssuerUseNotAllowed => StatusCodes.BadCertificateIssuerUseNotAllowed,
            CertificateProblem.UriInvalid => StatusCodes.BadCertificateUriInvalid,
            _ => StatusCodes.BadSecurityChecksFailed,
        };

    private void Refuse(CertificateChain shown, CertificateProblem problem)
    {
        _metrics.CertificateRefused(problem);

        // Said once per certificate that is kept, which a flood cannot make many.
        if (_rejected.TryAdd(shown.Leaf))
            _logger.CertificateRefused(CertificateFileName.Of(shown.Leaf), problem.ToString(), _rejectedFolder);
    }
}
