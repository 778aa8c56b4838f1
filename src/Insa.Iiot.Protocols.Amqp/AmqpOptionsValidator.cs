using System.Net;
using System.Text;
using Insa.Iiot.Protocols.Amqp.Connections;
using Insa.Iiot.Protocols.Amqp.Telemetry;
using Insa.Iiot.Protocols.Amqp.Topology;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.Amqp;

internal sealed class AmqpOptionsValidator : IValidateOptions<AmqpOptions>
{
    private const string Guest = "guest";

    public ValidateOptionsResult Validate(string? name, AmqpOptions options)
    {
        var errors = new List<string>();
        if (options.Uri is not { IsAbsoluteUri: true, Scheme: "amqp" or "amqps" } uri)
            errors.Add("Amqp needs a Uri: amqp://user:password@host/vhost, or amqps://...");
        else
            CheckUri(options, uri, errors);
        if (options.ClientCertificate is { HasPrivateKey: false })
            errors.Add("Amqp's ClientCertificate has no private key.");
        if (options.ServerCertificateSha256.Length is not (0 or 32))
            errors.Add("Amqp's ServerCertificateSha256 is 32 bytes.");
        if (options.MaxReconnectDelay < TimeSpan.FromSeconds(1) || options.MaxReconnectDelay > TimeSpan.FromMinutes(5))
            errors.Add("Amqp's MaxReconnectDelay is 1 s to 5 min.");
        if (options.BindingsInterval < TimeSpan.FromSeconds(1) || options.BindingsInterval > TimeSpan.FromHours(1))
            errors.Add("Amqp's BindingsInterval is 1 s to 1 h.");
        CheckBindings(options, errors);
        if (options.Frames is { } frames)
            CheckFrames(frames, options.Uri, errors);
        CheckCommands(options, errors);
        if (options.Events is { Source: null })
            errors.Add("Amqp:Events needs a Source, such as https://iiot.example.com.");
        if (options.Events is { MaxWaiting: < 1 or > 1_000_000 })
            errors.Add("Amqp:Events has a MaxWaiting of 1 to 1,000,000.");
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    // No message of these holds the Uri: there is a password in it.
    private static void CheckUri(AmqpOptions options, Uri uri, List<string> errors)
    {
        var isSecure = uri.Scheme == "amqps";
        var isLoopback = uri.IsLoopback && options.Nodes.All(IsLoopback);
        if (!isSecure && !isLoopback && !options.AllowsPlainBeyondLoopback)
            errors.Add("Amqp would send its password and all telemetry in the clear: use amqps, or set AllowsPlainBeyondLoopback.");
        if (!isSecure && options.ClientCertificate is not null)
            errors.Add("Amqp's ClientCertificate takes amqps.");
        var user = uri.UserInfo.Split(':')[0];
        if (user.Length == 0 && options.ClientCertificate is null)
            errors.Add("Amqp's Uri needs a user and password, or a ClientCertificate.");
        if (user == Guest && !isLoopback)
            errors.Add("Amqp's user guest is for a broker on this machine alone: make a user for this host.");
    }

    private static void CheckBindings(AmqpOptions options, List<string> errors)
    {
        var made = new List<TelemetryBinding>();
        foreach (var binding in options.Telemetry)
        {
            var wrong = BindingRules.ErrorsOf(binding).ToList();
            errors.AddRange(wrong);
            if (wrong.Count > 0)
                continue;
            var one = TelemetryBinding.Of(binding, BrokerConnector.VirtualHostOf(options.Uri));
            errors.AddRange(made.Select(other => BindingRules.ConflictOf(other, one)).OfType<string>());
            made.Add(one);
        }
    }

    private static void CheckFrames(AmqpFramesOptions frames, Uri? uri, List<string> errors)
    {
        if (frames.Partitions is < 1 or > 64)
            errors.Add($"Amqp:Frames has 1 to 64 Partitions, not {frames.Partitions}.");
        foreach (var partition in frames.Only.Where(partition => partition < 0 || partition >= frames.Partitions))
            errors.Add($"Amqp:Frames has no partition {partition}: they are 0 to Partitions - 1.");
        if (frames.Prefetch is < 1 or > 1000)
            errors.Add($"Amqp:Frames has a Prefetch of 1 to 1,000, not {frames.Prefetch}.");
        if (frames.TrustedUsers.Any(string.IsNullOrEmpty))
            errors.Add("Amqp:Frames has a trusted user without a name.");
        if (frames.TrustedUsers.Count == 0 && uri is { UserInfo: "" })
            errors.Add("Amqp:Frames needs TrustedUsers: this host's own login is a certificate.");
    }

    private static void CheckCommands(AmqpOptions options, List<string> errors)
    {
        var tenants = new HashSet<TenantId>();
        foreach (var binding in options.Commands)
        {
            var tenant = binding.Tenant;
            if (!tenant.IsSpecified)
                errors.Add("A binding of Amqp:Commands has no tenant.");
            else if (!tenants.Add(tenant))
                errors.Add($"The tenant {tenant} is in Amqp:Commands twice.");
            if (binding.ResponseQueue is { } queue && (queue.Length == 0 || Encoding.UTF8.GetByteCount(queue) > 255))
                errors.Add($"The ResponseQueue of {tenant} in Amqp:Commands has a name of 1 to 255 bytes.");
            if (binding.RetryInterval < TimeSpan.FromSeconds(1) || binding.RetryInterval > TimeSpan.FromHours(1))
                errors.Add($"The RetryInterval of {tenant} in Amqp:Commands is 1 s to 1 h.");
        }

        // Answers of two tenants in one queue would be the dead letters of both.
        var shared = options
            .Commands.Where(binding => binding.Tenant.IsSpecified)
            .GroupBy(binding =>
                (binding.VirtualHost ?? BrokerConnector.VirtualHostOf(options.Uri), Queue: CommandTopology.ResponseQueueOf(binding))
            )
            .Where(group => group.Count() > 1);
        errors.AddRange(shared.Select(group => $"The ResponseQueue {group.Key.Queue} in Amqp:Commands is of two tenants."));
    }

    private static bool IsLoopback(string node)
    {
        var host = Uri.TryCreate("amqp://" + node, UriKind.Absolute, out var uri) ? uri.Host : node;
        return host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
    }
}
