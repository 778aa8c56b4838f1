using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Insa.Iiot.Protocols.OpcUa.Pki;
using Insa.Iiot.Protocols.OpcUa.Security;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Types;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.OpcUa.Client;

/// <summary>
/// Registers the server with a discovery server, again and again while it runs, and takes itself out when it stops (Part 4 §5.5.5, §5.5.6; Part 12 §4.2).
/// </summary>
internal sealed class DiscoveryRegistration(
    ServerIdentity server,
    ClientCertificates certificates,
    OpcUaServerAddresses addresses,
    OpcUaMetrics metrics,
    IHostApplicationLifetime lifetime,
    IOptions<OpcUaServerOptions> options,
    TimeProvider time,
    ILogger<DiscoveryRegistration> logger
) : BackgroundService
{
    // A discovery server forgets who has not come back for ten minutes.
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(4);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan LeaveTimeout = TimeSpan.FromSeconds(5);

    // Part 12 Annex D: it has data of now, and of the past.
    private static readonly string?[] Capabilities = ["DA", "HD"];

    private readonly OpcUaServerOptions _options = options.Value;
    private bool _isRegistered;
    private bool _hasFailed;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_options.DiscoveryServer is not { } url || !await HasStartedAsync(stoppingToken).ConfigureAwait(false))
            return;
        try
        {
            var retry = FirstRetry;
            while (true)
            {
                var isDone = await TryRegisterAsync(url, isOnline: true, CallTimeout, stoppingToken).ConfigureAwait(false);
                await Task.Delay(isDone ? Interval : retry, time, stoppingToken).ConfigureAwait(false);
                retry = isDone ? FirstRetry : Min(retry * 2, Interval);
            }
        }
        catch (OperationCanceledException)
        {
            // The host stops.
        }

        // Of the stop of the host there is nothing to be seen any more: it waits for this.
        if (_isRegistered && await TryRegisterAsync(url, isOnline: false, LeaveTimeout, CancellationToken.None).ConfigureAwait(false))
            logger.DiscoveryLeft(url);
    }

    // Before that nobody knows where it listens.
    private async Task<bool> HasStartedAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var whenStarted = lifetime.ApplicationStarted.UnsafeRegister(
            state => ((TaskCompletionSource<bool>)state!).TrySetResult(true),
            started
        );
        using var whenStopping = stoppingToken.UnsafeRegister(state => ((TaskCompletionSource<bool>)state!).TrySetResult(false), started);
        return await started.Task.ConfigureAwait(false);
    }

    private async Task<bool> TryRegisterAsync(Uri url, bool isOnline, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var expiry = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(expiry.Token, cancellationToken);
        StatusCode status;
        try
        {
            await RegisterAsync(url, isOnline, either.Token).ConfigureAwait(false);
            status = StatusCodes.Good;
        }
        catch (ClientException e)
        {
            status = e.Status;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            status = StatusCodes.BadTimeout;
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            status = StatusCodes.BadConnectionRejected;
        }
        catch (CryptographicException)
        {
            status = StatusCodes.BadCertificateInvalid;
        }

        metrics.Registered(status);
        Tell(url, status);
        return status.IsGood;
    }

    // Once when it fails, and once when it works again.
    private void Tell(Uri url, StatusCode status)
    {
        if (!status.IsGood && !_hasFailed)
            logger.DiscoveryFailed(url, StatusCodes.NameOf(status) ?? status.ToString());
        else if (status.IsGood && (!_isRegistered || _hasFailed))
            logger.DiscoveryRegistered(url);
        _hasFailed = !status.IsGood;
        _isRegistered |= status.IsGood;
    }

    private async Task RegisterAsync(Uri url, bool isOnline, CancellationToken cancellationToken)
    {
        var endpoint = await FindEndpointAsync(url, cancellationToken).ConfigureAwait(false);
        var channel = await ClientChannel.OpenAsync(endpoint, server.Certificate, time, cancellationToken).ConfigureAwait(false);
        await using (channel.ConfigureAwait(false))
        {
            await RegisterAsync(channel, isOnline, cancellationToken).ConfigureAwait(false);
            await channel.CloseAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    // Part 4 §5.5.6: a discovery server of old knows the older service only.
    private async Task RegisterAsync(ClientChannel channel, bool isOnline, CancellationToken cancellationToken)
    {
        var registered = Describe(isOnline);
        StatusCode status;
        try
        {
            var configuration = new MdnsDiscoveryConfiguration
            {
                MdnsServerName = server.ApplicationName,
                ServerCapabilities = Capabilities,
            };
            var response = await channel
                .CallAsync<RegisterServer2Response>(
                    new RegisterServer2Request
                    {
                        RequestHeader = channel.MakeHeader(),
                        Server = registered,
                        DiscoveryConfiguration = [new ExtensionObject(configuration)],
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
            status = response.ResponseHeader?.ServiceResult ?? default;
        }
        catch (ClientException e) when (e.Status == StatusCodes.BadServiceUnsupported)
        {
            var response = await channel
                .CallAsync<RegisterServerResponse>(
                    new RegisterServerRequest { RequestHeader = channel.MakeHeader(), Server = registered },
                    cancellationToken
                )
                .ConfigureAwait(false);
            status = response.ResponseHeader?.ServiceResult ?? default;
        }

        if (!status.IsGood)
            throw new ClientException(status);
    }

    // The best of those that are secured: a registration is taken from nobody else.
    private async Task<ClientEndpoint> FindEndpointAsync(Uri url, CancellationToken cancellationToken)
    {
        var channel = await ClientChannel
            .OpenAsync(ClientEndpoint.Unsecured(url), server.Certificate, time, cancellationToken)
            .ConfigureAwait(false);
        await using (channel.ConfigureAwait(false))
        {
            var response = await channel
                .CallAsync<GetEndpointsResponse>(
                    new GetEndpointsRequest
                    {
                        RequestHeader = channel.MakeHeader(),
                        EndpointUrl = url.OriginalString,
                        ProfileUris = [EndpointTable.BinaryTransport],
                    },
                    cancellationToken
                )
                .ConfigureAwait(false);
            await channel.CloseAsync(cancellationToken).ConfigureAwait(false);
            return Choose(url, response.Endpoints ?? []);
        }
    }

    private ClientEndpoint Choose(Uri url, EndpointDescription[] offered)
    {
        var best = offered
            .Where(endpoint => endpoint.SecurityMode is MessageSecurityMode.Sign or MessageSecurityMode.SignAndEncrypt)
            .Select(endpoint =>
                (Endpoint: endpoint, Policy: server.Policies.FirstOrDefault(policy => policy.Uri == endpoint.SecurityPolicyUri))
            )
            .Where(one => one.Policy is not null && one.Endpoint.ServerCertificate is not null)
            .OrderByDescending(one => one.Endpoint.SecurityMode)
            .ThenByDescending(one => one.Policy!.Level)
            .FirstOrDefault();
        if (best.Policy is not { } chosen)
            throw new ClientException(StatusCodes.BadSecurityPolicyRejected);
        if (!CertificateChain.TryRead(best.Endpoint.ServerCertificate, out var shown))
            throw new ClientException(StatusCodes.BadCertificateInvalid);
        using (shown)
        {
            if (certificates.CheckServer(shown) is { IsGood: false } distrust)
                throw new ClientException(distrust);
            return new ClientEndpoint(url, chosen, best.Endpoint.SecurityMode, shown.Leaf.RawData);
        }
    }

    private RegisteredServer Describe(bool isOnline) =>
        new()
        {
            ServerUri = server.ApplicationUri,
            ProductUri = ServerIdentity.Product,
            ServerNames = [new LocalizedText("en", server.ApplicationName)],
            ServerType = ApplicationType.Server,
            DiscoveryUrls = [.. addresses.Endpoints.SelectMany(UrlsOf).Distinct(StringComparer.Ordinal)],
            IsOnline = isOnline,
        };

    // By the names that the host has given, or else by where it listens.
    private IEnumerable<string> UrlsOf(IPEndPoint endpoint)
    {
        var isAny = endpoint.Address.Equals(IPAddress.Any) || endpoint.Address.Equals(IPAddress.IPv6Any);
        IEnumerable<string> hosts =
            isAny && _options.HostNames.Count > 0 ? _options.HostNames
            : isAny ? [Dns.GetHostName()]
            : [endpoint.Address.ToString()];
        return hosts.Select(host => host.Contains(':') ? $"opc.tcp://[{host}]:{endpoint.Port}" : $"opc.tcp://{host}:{endpoint.Port}");
    }

    private static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
