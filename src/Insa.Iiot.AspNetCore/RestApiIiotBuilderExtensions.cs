using Insa.Iiot;
using Insa.Iiot.AspNetCore;
using Insa.Iiot.AspNetCore.Auditing;
using Insa.Iiot.AspNetCore.Authentication;
using Insa.Iiot.AspNetCore.Diagnostics;
using Insa.Iiot.AspNetCore.Guards;
using Insa.Iiot.AspNetCore.Idempotency;
using Insa.Iiot.AspNetCore.OpenApi;
using Insa.Iiot.AspNetCore.RateLimiting;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds tenancy over HTTP to a host.</summary>
public static class RestApiIiotBuilderExtensions
{
    /// <summary>Adds sign-in, guards and the REST API, over <c>AddTenancy</c> and a storage package.</summary>
    public static IiotBuilder AddRestApi(this IiotBuilder builder, Action<RestApiOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);

        var services = builder.Services;
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<RestApiOptions>, RestApiOptionsValidator>());
        var options = services.AddOptionsWithValidateOnStart<RestApiOptions>();
        if (configure is not null)
            options.Configure(configure);
        services.AddMetrics();
        services.AddRouting();
        services.AddOpenApi(OpenApiSetup.Document, OpenApiSetup.Configure);

        // What cannot be bound is told in our own way, not as an empty answer.
        services.Configure<RouteHandlerOptions>(handlers => handlers.ThrowOnBadRequest = true);
        services.TryAddSingleton<SigningKeys>();
        services.TryAddSingleton<AccessTokens>();
        services.TryAddSingleton<Authenticator>();
        services.TryAddSingleton<SignIn>();
        services.TryAddSingleton<ExternalTokens>();
        services.TryAddSingleton<RequestRates>();
        services.TryAddSingleton<InvitationRates>();
        services.TryAddSingleton<IdempotencySweep>();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IHostedService, IdempotencySweep>(provider => provider.GetRequiredService<IdempotencySweep>())
        );
        services.TryAddSingleton<RestMetrics>();
        services.TryAddSingleton<AnonymousFailures>();
        services.TryAddSingleton<AuditTrail>();
        services.TryAddSingleton<GuardRefusals>();
        services.TryAddSingleton<GuardCheck>();
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IStartupFilter, GuardCheck>(provider => provider.GetRequiredService<GuardCheck>())
        );
        return builder;
    }
}
